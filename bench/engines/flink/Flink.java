package bench;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.cep.CEP;
import org.apache.flink.cep.functions.PatternProcessFunction;
import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.conditions.IterativeCondition;
import org.apache.flink.cep.pattern.conditions.SimpleCondition;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.legacy.RichSinkFunction;
import org.apache.flink.streaming.api.functions.source.legacy.SourceFunction;
import org.apache.flink.util.Collector;

/**
 * The workloads in Flink CEP: event time, parallelism 1, objects reused within a chain of operators.
 *
 * <p>Bounds are exclusive in Flink, so they are a millisecond longer here. The clock runs from the first event that leaves the
 * source to the last operator's end: starting the job is not counted. W4 can find fewer than one run at a time would: Flink tells
 * the match that starts first, and holds back a later one until the earlier start is done or has lapsed.
 */
public final class Flink implements Pass {
    private static final AfterMatchSkipStrategy AFRESH = AfterMatchSkipStrategy.skipPastLastEvent();
    private static Event[] events;
    private static long lastTs;
    private static Clock clock;
    private static AtomicLongArray counts;

    @Override
    public long[] over(String workload, List<String[]> rules, Event[] all, Clock time) throws Exception {
        boolean five = workload.equals("W7");
        events = all;
        lastTs = Arrays.stream(all).mapToLong(e -> e.ts).max().getAsLong();
        clock = time;
        counts = new AtomicLongArray(five ? 5 : 1);
        var env = StreamExecutionEnvironment.createLocalEnvironment(1, new Configuration());
        env.getConfig().enableObjectReuse();
        // With disorder events come up to 2 s late.
        var watermarks = WatermarkStrategy.<Event>forBoundedOutOfOrderness(Duration.ofMillis(workload.endsWith("-2s") ? 2000 : 0));
        DataStream<Event> source = env.addSource(new Source(), TypeInformation.of(Event.class))
                .assignTimestampsAndWatermarks(watermarks.withTimestampAssigner((event, none) -> event.ts));
        KeyedStream<Event, String> keyed = source.keyBy(event -> event.user);
        if (workload.startsWith("W6a")) {
            for (String[] rule : rules) {
                String kind = rule[0];
                String user = rule[1];
                double above = Double.parseDouble(rule[2]);
                source.filter(e -> e.type.equals(kind) && e.user.equals(user) && e.speed > above).map(e -> e.ts).addSink(new Count<>(0));
            }
        } else if (workload.startsWith("W6b")) {
            for (String[] rule : rules) find(keyed, tally(Integer.parseInt(rule[0]), Long.parseLong(rule[1])), 0);
        } else {
            for (int n = 1; n <= 5; n++) if (five || workload.startsWith("W" + n)) one(n, source, keyed, five ? n - 1 : 0);
        }
        env.execute();
        long[] found = new long[counts.length()];
        for (int n = 0; n < found.length; n++) found[n] = counts.get(n);
        return found;
    }

    private static void one(int workload, DataStream<Event> source, KeyedStream<Event, String> keyed, int place) {
        switch (workload) {
            case 1 -> source.filter(e -> e.type.equals("sensor") && e.speed > 95).map(e -> e.ts).addSink(new Count<>(place));
            case 2 -> find(keyed, begin("a", e -> e.type.equals("sensor") && e.speed > 80).times(5).within(Duration.ofMillis(600_001)), place);
            case 3 -> find(keyed, tally(3, 300_000), place);
            case 4 -> find(keyed, begin("small", e -> e.type.equals("purchase") && e.amount > 100).followedBy("large").where(new Large())
                    .within(Duration.ofMillis(600_001)), place);
            case 5 -> find(keyed, begin("bought", e -> e.type.equals("purchase")).notFollowedBy("seen").where(is(e -> e.type.equals("sensor")))
                    .within(Duration.ofMillis(60_001)), place);
            default -> throw new IllegalArgumentException("W" + workload);
        }
    }

    private static Pattern<Event, Event> tally(int least, long boundMs) {
        return begin("fail", e -> e.type.equals("login_failed")).timesOrMore(least)
                .followedBy("ok").where(is(e -> e.type.equals("login_ok"))).within(Duration.ofMillis(boundMs + 1));
    }

    /** A test of the event alone. */
    interface Test extends java.io.Serializable {
        boolean of(Event event);
    }

    private static SimpleCondition<Event> is(Test test) {
        return new SimpleCondition<>() {
            @Override
            public boolean filter(Event event) {
                return test.of(event);
            }
        };
    }

    private static Pattern<Event, Event> begin(String step, Test test) {
        return Pattern.<Event>begin(step, AFRESH).where(is(test));
    }

    /** More than three times the first, in another country. */
    private static final class Large extends IterativeCondition<Event> {
        @Override
        public boolean filter(Event event, Context<Event> context) throws Exception {
            if (!event.type.equals("purchase") || event.amount <= 100) return false;
            for (Event small : context.getEventsForPattern("small"))
                return event.amount > 3 * small.amount && !event.country.equals(small.country);
            return false;
        }
    }

    private static void find(KeyedStream<Event, String> keyed, Pattern<Event, ?> pattern, int place) {
        @SuppressWarnings("unchecked")
        var typed = (Pattern<Event, Event>) pattern;
        CEP.pattern(keyed, typed).process(new Found()).addSink(new Count<>(place));
    }

    private static final class Found extends PatternProcessFunction<Event, Long> {
        @Override
        public void processMatch(Map<String, List<Event>> match, Context context, Collector<Long> out) {
            // The end of a stream is the end of time to Flink: an absence that the last event does not yet prove is left out.
            List<Event> bought = match.get("bought");
            if (bought == null || bought.get(0).ts + 60_000 <= lastTs) out.collect(context.timestamp());
        }
    }

    private static final class Source implements SourceFunction<Event> {
        private volatile boolean running = true;

        @Override
        public void run(SourceContext<Event> out) {
            clock.start();
            for (int i = 0; i < events.length && running; i++) {
                synchronized (out.getCheckpointLock()) {
                    out.collect(events[i]);
                }
                if ((i & 1023) == 0 && clock.over()) break;
            }
        }

        @Override
        public void cancel() {
            running = false;
        }
    }

    private static final class Count<T> extends RichSinkFunction<T> {
        private final int place;

        Count(int place) {
            this.place = place;
        }

        @Override
        public void invoke(T value, Context context) {
            counts.incrementAndGet(place);
        }

        @Override
        public void finish() {
            clock.stop();
        }
    }

    public static void main(String[] args) throws Exception {
        Bench.run(args, new Flink());
    }
}
