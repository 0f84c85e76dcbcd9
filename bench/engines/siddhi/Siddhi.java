package bench;

import io.siddhi.core.SiddhiAppRuntime;
import io.siddhi.core.SiddhiManager;
import io.siddhi.core.stream.input.InputHandler;
import io.siddhi.core.stream.output.StreamCallback;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The workloads in SiddhiQL; time is that of the events (playback).
 *
 * <p>`every (a -> b)` is one sequence at a time, the nearest to a fresh start after each; W4 has none (each start is met by
 * itself). W5 without a partition is four times as fast as with one.
 */
public final class Siddhi implements Pass {
    private static final String STREAM = "@app:playback define stream E (ts long, type string, user string, speed double, amount double, country string);";

    private static final Map<String, String> QUERIES = Map.of(
            "W1", "from E[type == 'sensor' and speed > 95] select ts insert into %s;",
            "W2", "partition with (user of E) begin from every e1=E[type == 'sensor' and speed > 80]<5> within 10 min"
                    + " select e1[0].ts as ts insert into %s; end;",
            "W3", tally("3", "5 min"),
            "W4", "partition with (user of E) begin from every e1=E[type == 'purchase' and amount > 100]"
                    + " -> e2=E[type == 'purchase' and amount > 3 * e1.amount and country != e1.country] within 10 min"
                    + " select e2.ts as ts insert into %s; end;",
            "W5", "from every e1=E[type == 'purchase'] -> not E[type == 'sensor' and user == e1.user] for 60001 milliseconds"
                    + " select e1.ts as ts insert into %s;");

    private static String tally(String least, String bound) {
        return ("partition with (user of E) begin from every (e1=E[type == 'login_failed']<" + least + ":> -> e2=E[type == 'login_ok']) within "
                + bound + " select e2.ts as ts insert into %s; end;");
    }

    @Override
    public long[] over(String workload, List<String[]> rules, Event[] events, Clock clock) throws Exception {
        boolean five = workload.equals("W7");
        long[] counts = new long[five ? 5 : 1];
        SiddhiManager manager = new SiddhiManager();
        SiddhiAppRuntime runtime = manager.createSiddhiAppRuntime(STREAM + String.join("\n", queries(workload, rules)));
        for (int n = 0; n < counts.length; n++) {
            int place = n;
            runtime.addCallback("Out" + n, new StreamCallback() {
                @Override
                public void receive(io.siddhi.core.event.Event[] found) {
                    counts[place] += found.length;
                }
            });
        }
        runtime.start();
        InputHandler input = runtime.getInputHandler("E");
        clock.start();
        for (int i = 0; i < events.length; i++) {
            Event e = events[i];
            input.send(e.ts, new Object[] {e.ts, e.type, e.user, e.speed, e.amount, e.country});
            if ((i & 255) == 0 && clock.over()) break;
        }
        clock.stop();
        runtime.shutdown();
        manager.shutdown();
        return counts;
    }

    private static List<String> queries(String workload, List<String[]> rules) {
        var queries = new ArrayList<String>();
        if (workload.equals("W7")) {
            for (int n = 0; n < 5; n++) queries.add(QUERIES.get("W" + (n + 1)).formatted("Out" + n));
        } else if (workload.startsWith("W6a")) {
            for (String[] rule : rules)
                queries.add("from E[type == '%s' and user == '%s' and speed > %s] select ts insert into Out0;".formatted(rule[0], rule[1], rule[2]));
        } else if (workload.startsWith("W6b")) {
            for (String[] rule : rules) queries.add(tally(rule[0], rule[1] + " milliseconds").formatted("Out0"));
        } else {
            queries.add(QUERIES.get(workload).formatted("Out0"));
        }
        return queries;
    }

    public static void main(String[] args) throws Exception {
        Bench.run(args, new Siddhi());
    }
}
