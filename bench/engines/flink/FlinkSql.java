package bench;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.legacy.RichSinkFunction;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.types.Row;

/**
 * The workloads as Flink SQL over the file of JSON lines: MATCH_RECOGNIZE in event time, parallelism 1.
 *
 * <p>The clock runs from the first event decoded (a function of the query sees it) to the sink's end: starting a job is not
 * counted. Bounds are exclusive, so they are a millisecond longer. W5 cannot be said: MATCH_RECOGNIZE knows no absence.
 */
public final class FlinkSql {
    private static final String TABLE = "CREATE TABLE e (ts BIGINT, `type` STRING, `user` STRING, speed DOUBLE, amount DOUBLE, country STRING,"
            + " rowtime AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR rowtime AS rowtime)"
            + " WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'json')";
    private static final String MATCH = "SELECT * FROM (SELECT * FROM e WHERE seen(ts) AND %s) MATCH_RECOGNIZE (PARTITION BY `user` ORDER BY rowtime"
            + " MEASURES %s.ts AS found ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (%s) WITHIN INTERVAL '%s' MINUTE TO SECOND DEFINE %s)";
    private static final Map<String, String> QUERIES = Map.of(
            "W1", "SELECT ts FROM e WHERE seen(ts) AND `type` = 'sensor' AND speed > 95",
            "W2", MATCH.formatted("`type` = 'sensor' AND speed > 80", "e5", "e1 e2 e3 e4 e5", "10:00.001", "e5 AS TRUE"),
            "W3", MATCH.formatted("`type` IN ('login_failed', 'login_ok')", "o", "f g* h g2* i y*? o", "5:00.001",
                    "f AS f.`type` = 'login_failed', g AS g.`type` = 'login_ok', h AS h.`type` = 'login_failed', g2 AS g2.`type` = 'login_ok',"
                            + " i AS i.`type` = 'login_failed', y AS TRUE, o AS o.`type` = 'login_ok'"),
            "W4", MATCH.formatted("`type` = 'purchase' AND amount > 100", "b", "a x*? b", "10:00.001",
                    "x AS TRUE, b AS b.amount > 3 * a.amount AND b.country <> a.country"));

    private static final AtomicLong FOUND = new AtomicLong();
    private static Pass.Clock clock;

    private FlinkSql() {}

    private static void run(String workload, Path file) throws Exception {
        FOUND.set(0);
        clock = null;
        var env = StreamExecutionEnvironment.createLocalEnvironment(1, new Configuration());
        env.getConfig().enableObjectReuse();
        var tables = StreamTableEnvironment.create(env);
        tables.createTemporarySystemFunction("seen", Seen.class);
        tables.executeSql(TABLE.formatted(file.toAbsolutePath()));
        tables.toDataStream(tables.sqlQuery(QUERIES.get(workload))).addSink(new Count());
        env.execute();
    }

    /** True; starts the clock at the first event. */
    public static final class Seen extends ScalarFunction {
        public boolean eval(Long ts) {
            if (clock == null) {
                clock = new Pass.Clock(Double.POSITIVE_INFINITY);
                clock.start();
            }
            return true;
        }

        @Override
        public boolean isDeterministic() {
            return false;
        }
    }

    private static final class Count extends RichSinkFunction<Row> {
        @Override
        public void invoke(Row row, Context context) {
            FOUND.incrementAndGet();
        }

        @Override
        public void finish() {
            clock.stop();
        }
    }

    /** @param args workload, file of events */
    public static void main(String[] args) throws Exception {
        run(args[0], Path.of(args[1]));
        long baseKb = Bench.memoryKb("VmRSS");
        Bench.serve(() -> {
            run(args[0], Path.of(args[1]));
            Bench.report(new long[] {FOUND.get()}, clock.processorS, clock.wallS, baseKb);
        });
        System.exit(0);
    }
}
