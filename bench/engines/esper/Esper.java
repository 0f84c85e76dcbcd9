package bench;

import com.espertech.esper.common.client.EPCompiled;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.compiler.client.CompilerArguments;
import com.espertech.esper.compiler.client.EPCompilerProvider;
import com.espertech.esper.runtime.client.DeploymentOptions;
import com.espertech.esper.runtime.client.EPDeployment;
import com.espertech.esper.runtime.client.EPRuntime;
import com.espertech.esper.runtime.client.EPRuntimeProvider;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The workloads in EPL.
 *
 * <p>Sequences are match_recognize, `after match skip past last row`: the form of Esper that starts afresh after each match.
 * `login_failed{3,} -> login_ok` is three failures with successes between them allowed (g), then anything within the bound.
 */
public final class Esper implements Pass {
    static final Map<String, String> QUERIES = new HashMap<>();

    static {
        QUERIES.put("W1", "select ts from Event(type = 'sensor' and speed > 95)");
        QUERIES.put("W2", "select * from Event(type = 'sensor' and speed > 80) match_recognize (partition by user"
                + " measures e.ts as ts after match skip past last row pattern (a b c d e) define e as e.ts - a.ts <= 600000)");
        QUERIES.put("W3", tally(3, "300000"));
        QUERIES.put("W4", "select * from Event(type = 'purchase' and amount > 100) match_recognize (partition by user"
                + " measures b.ts as ts after match skip past last row pattern (a x* b) define x as x.ts - a.ts <= 600000,"
                + " b as b.ts - a.ts <= 600000 and b.amount > 3 * a.amount and b.country != a.country)");
        // A reading at exactly 60 s still denies: the interval ends a millisecond later.
        QUERIES.put("W5", "select p.ts from pattern [every p=Event(type = 'purchase') ->"
                + " (timer:interval(60001 milliseconds) and not Event(type = 'sensor', user = p.user))]");
    }

    /** Failures first (f1, f2, ...), then a success within `bound` milliseconds of the first. */
    static String tally(int least, String bound) {
        var pattern = new StringBuilder("f1");
        var define = new StringBuilder("f1 as f1.type = 'login_failed'");
        for (int i = 2; i <= least; i++) {
            pattern.append(" g").append(i).append("* f").append(i);
            define.append(", f%d as f%d.type = 'login_failed' and f%d.ts - f1.ts <= %s".formatted(i, i, i, bound));
            define.append(", g%d as g%d.type = 'login_ok' and g%d.ts - f1.ts <= %s".formatted(i, i, i, bound));
        }
        return ("select * from Event(type in ('login_failed', 'login_ok')) match_recognize (partition by user measures o.ts as ts"
                + " after match skip past last row pattern (%s y* o) define %s, y as y.ts - f1.ts <= %s,"
                + " o as o.type = 'login_ok' and o.ts - f1.ts <= %s)").formatted(pattern, define, bound, bound);
    }

    private final Map<String, EPCompiled> compiled = new HashMap<>();
    private final Configuration configuration = new Configuration();
    private int passes;

    Esper() {
        configuration.getCommon().addEventType("Event", Event.class);
        configuration.getRuntime().getThreading().setInternalTimerEnabled(false);
        configuration.getRuntime().getThreading().setThreadPoolInbound(false);
    }

    @Override
    public long[] over(String workload, List<String[]> rules, Event[] events, Clock clock) throws Exception {
        EPRuntime runtime = EPRuntimeProvider.getRuntime("pass" + passes++, configuration);
        runtime.getEventService().clockExternal();
        runtime.getEventService().advanceTime(events[0].ts);
        long[] counts = deploy(runtime, workload, rules);
        var service = runtime.getEventService();
        boolean timed = workload.equals("W5") || workload.equals("W7");  // the others compare times of events
        clock.start();
        for (int i = 0; i < events.length; i++) {
            if (timed) service.advanceTime(events[i].ts);
            service.sendEventBean(events[i], "Event");
            if ((i & 1023) == 0 && clock.over()) break;
        }
        if (timed) service.advanceTime(events[events.length - 1].ts + 1);
        clock.stop();
        runtime.destroy();
        return counts;
    }

    private long[] deploy(EPRuntime runtime, String workload, List<String[]> rules) throws Exception {
        if (workload.equals("W7")) {
            long[] counts = new long[5];
            for (int n = 0; n < 5; n++) listen(runtime, QUERIES.get("W" + (n + 1)), Map.of(), counts, n);
            return counts;
        }
        long[] counts = new long[1];
        if (workload.startsWith("W6a")) {
            String query = "select ts from Event(type = ?:kind:string, user = ?:name:string, speed > ?:above:double)";
            for (String[] rule : rules)
                listen(runtime, query, Map.of("kind", rule[0], "name", rule[1], "above", Double.parseDouble(rule[2])), counts, 0);
        } else if (workload.startsWith("W6b")) {
            for (String[] rule : rules)
                listen(runtime, tally(Integer.parseInt(rule[0]), "?:bound:long"), Map.of("bound", Long.parseLong(rule[1])), counts, 0);
        } else {
            listen(runtime, QUERIES.get(workload), Map.of(), counts, 0);
        }
        return counts;
    }

    /** Queries that differ in constants only are compiled once and deployed with each. */
    private void listen(EPRuntime runtime, String query, Map<String, Object> constants, long[] counts, int place) throws Exception {
        EPCompiled unit = compiled.get(query);
        if (unit == null) {
            unit = EPCompilerProvider.getCompiler().compile(query, new CompilerArguments(configuration));
            compiled.put(query, unit);
        }
        var options = new DeploymentOptions();
        if (!constants.isEmpty())
            options.setStatementSubstitutionParameter(context -> constants.forEach(context::setObject));
        EPDeployment deployment = runtime.getDeploymentService().deploy(unit, options);
        deployment.getStatements()[0].addListener((added, removed, statement, from) -> counts[place] += added.length);
    }

    public static void main(String[] args) throws Exception {
        Bench.run(args, new Esper());
    }
}
