package bench;

import java.util.List;

/** An engine: one pass over the events with a fresh state. */
public interface Pass {
    /**
     * Alerts, by rule for W7, else in all.
     *
     * @param rules constants of W6a and W6b, a rule a row; else empty
     * @param clock to be started at the first event and stopped after the last alert; where it says `over`, the pass may end early
     */
    long[] over(String workload, List<String[]> rules, Event[] events, Clock clock) throws Exception;

    /** Wall and processor time of a pass, and whether it should end: a pass to warm up has some seconds, the measured one has no end. */
    final class Clock {
        private final long limitNs;
        private long startedNs;
        private long processorStartedNs;
        double wallS;
        double processorS;

        Clock(double limitS) {
            limitNs = (long) (limitS * 1e9);  // infinity becomes the longest there is
        }

        public void start() {
            processorStartedNs = processorNs();
            startedNs = System.nanoTime();
        }

        public void stop() {
            wallS = (System.nanoTime() - startedNs) / 1e9;
            processorS = (processorNs() - processorStartedNs) / 1e9;
        }

        /** True now and then only: ask it every thousand events. */
        public boolean over() {
            return System.nanoTime() - startedNs > limitNs;
        }

        static double processorS() {
            return processorNs() / 1e9;
        }

        private static long processorNs() {
            var system = (com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean();
            return system.getProcessCpuTime();
        }
    }
}
