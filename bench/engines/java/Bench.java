package bench;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs one workload in one engine: passes of two seconds in all to warm up, then a pass for each line of standard input. */
final class Bench {
    private static final double WARM_S = 2;
    private static final double AT_MOST_S = 3;  // with what is not measured: starting a job, deploying queries
    private static final double AT_LEAST_S = 0.3;  // a pass that takes less is made again and again, and the mean told

    private Bench() {}

    /** @param args workload, file of events, file of rules' constants ("-" for none) */
    static void run(String[] args, Pass pass) throws Exception {
        Event[] events = events(Path.of(args[1]));
        List<String[]> rules = args[2].equals("-") ? List.of() : Files.readAllLines(Path.of(args[2])).stream().map(l -> l.split("\t")).toList();
        long warmUntil = System.nanoTime() + (long) (WARM_S * 1e9);
        for (long left; (left = warmUntil - System.nanoTime()) > 0; ) pass.over(args[0], rules, events, new Pass.Clock(left / 1e9));
        System.gc();
        long baseKb = memoryKb("VmRSS");
        serve(() -> {
            long[] counts = null;
            int passes = 0;
            double processorS = 0;
            double wallS = 0;
            long until = System.nanoTime() + (long) (AT_MOST_S * 1e9);
            for (; passes == 0 || wallS < AT_LEAST_S && System.nanoTime() < until; passes++) {
                var clock = new Pass.Clock(Double.POSITIVE_INFINITY);
                counts = pass.over(args[0], rules, events, clock);
                processorS += clock.processorS;
                wallS += clock.wallS;
            }
            report(counts, processorS / passes, wallS / passes, baseKb);
        });
        System.exit(0);
    }

    /** Says "ready", then does the work once for each line that comes in. */
    static void serve(Work work) throws Exception {
        System.out.println("\nready");
        System.out.flush();
        var asked = new BufferedReader(new InputStreamReader(System.in));
        while (asked.readLine() != null) work.run();
    }

    interface Work {
        void run() throws Exception;
    }

    /** The line that bench/once.py prints too. */
    static void report(long[] counts, double processorS, double wallS, long baseKb) throws Exception {
        System.out.printf(
                java.util.Locale.ROOT,
                "%n{\"counts\": %s, \"cpu_s\": %.6f, \"wall_s\": %.6f, \"base_kb\": %d, \"peak_kb\": %d}%n",
                Arrays.toString(counts), processorS, wallS, baseKb, memoryKb("VmHWM"));
        System.out.flush();
    }

    static long memoryKb(String name) throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith(name + ":")) return Long.parseLong(line.replaceAll("\\D+", ""));
        return 0;
    }

    /** Events of the file that bench/generate.py writes: its fields, in its order. Equal texts become one object. */
    private static Event[] events(Path path) throws Exception {
        var events = new ArrayList<Event>();
        Map<String, String> texts = new HashMap<>();
        try (BufferedReader lines = Files.newBufferedReader(path)) {
            for (String line; (line = lines.readLine()) != null; ) {
                var event = new Event();
                event.ts = Long.parseLong(field(line, "\"ts\": "));
                event.type = texts.computeIfAbsent(field(line, "\"type\": \""), t -> t);
                event.user = texts.computeIfAbsent(field(line, "\"user\": \""), t -> t);
                event.speed = Double.parseDouble(field(line, "\"speed\": "));
                event.amount = Double.parseDouble(field(line, "\"amount\": "));
                event.country = texts.computeIfAbsent(field(line, "\"country\": \""), t -> t);
                events.add(event);
            }
        }
        return events.toArray(Event[]::new);
    }

    private static String field(String line, String name) {
        int from = line.indexOf(name) + name.length();
        int to = from;
        while (",\"}".indexOf(line.charAt(to)) < 0) to++;
        return line.substring(from, to);
    }
}
