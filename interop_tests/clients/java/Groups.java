import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

class Groups {
    /** Consumes in a group, in a thread of its own, until it is stopped. */
    static class Member implements ConsumerRebalanceListener {
        private final KafkaConsumer<String, String> consumer;
        private final Thread thread;
        private volatile boolean isStopped;
        private final SortedSet<Integer> assigned = new TreeSet<>();
        private final List<String> read = new ArrayList<>();
        private int changes; // how often partitions came or went

        Member(Asked asked, Object... pairs) {
            consumer = asked.groupConsumer(pairs);
            consumer.subscribe(List.of(asked.topic()), this);
            thread = new Thread(() -> {
                while (!isStopped) {
                    var records = consumer.poll(Asked.A_MOMENT);
                    synchronized (this) {
                        records.forEach(each -> read.add(each.value()));
                    }
                    if (!records.isEmpty()) consumer.commitSync();
                }
                consumer.close();
            });
            thread.start();
        }

        void stop() throws InterruptedException {
            isStopped = true;
            thread.join();
        }

        @Override
        public synchronized void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            partitions.forEach(each -> assigned.add(each.partition()));
            changes += partitions.size();
        }

        @Override
        public synchronized void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            partitions.forEach(each -> assigned.remove(each.partition()));
            changes += partitions.size();
        }

        synchronized List<Integer> partitions() {
            return new ArrayList<>(assigned);
        }

        synchronized List<String> read() {
            return new ArrayList<>(read);
        }

        synchronized int changes() {
            return changes;
        }
    }

    static Map<String, Object> group(Asked asked) throws Exception {
        Member first = new Member(asked);
        Asked.eventually("one has all", () -> first.partitions().size() == 4);
        List<Integer> alone = first.partitions();
        Member second = new Member(asked);
        Asked.eventually("both have half", () -> first.partitions().size() == 2 && second.partitions().size() == 2);
        List<List<Integer>> shared = List.of(first.partitions(), second.partitions());
        try (var producer = asked.producer()) {
            for (int i = 0; i < 40; i++)
                producer.send(new ProducerRecord<>(asked.topic(), i % 4, null, String.format("%02d", i)));
        }
        Asked.eventually("all is read", () -> read(first, second).size() == 40);
        first.stop();
        Asked.eventually("the other has all", () -> second.partitions().size() == 4);
        List<Integer> after = second.partitions();
        second.stop();
        return Map.of("alone", alone, "shared", shared, "after", after, "read", read(first, second));
    }

    /** Once each: what was not committed yet may come twice. */
    private static SortedSet<String> read(Member first, Member second) {
        SortedSet<String> read = new TreeSet<>(first.read());
        read.addAll(second.read());
        return read;
    }

    static Map<String, Object> resume(Asked asked) throws Exception {
        try (var producer = asked.producer()) {
            for (int i = 0; i < 10; i++) asked.send(producer, null, "" + i);
        }
        List<String> first = readFive(asked), then = readFive(asked);
        try (var admin = asked.admin()) {
            var stored = admin.listConsumerGroupOffsets(asked.topic()).partitionsToOffsetAndMetadata().get();
            long committed = stored.get(new TopicPartition(asked.topic(), 0)).offset();
            return Map.of("first", first, "then", then, "committed", committed);
        }
    }

    private static List<String> readFive(Asked asked) {
        try (var consumer = asked.groupConsumer("max.poll.records", 5)) {
            consumer.subscribe(List.of(asked.topic()));
            List<String> read = Asked.values(Asked.read(consumer, 5));
            consumer.commitSync();
            return read;
        }
    }

    static Map<String, Object> staticMembers(Asked asked) throws Exception {
        Member one = new Member(asked, "group.instance.id", "one"), two = new Member(asked, "group.instance.id", "two");
        Asked.eventually("both have half", () -> one.partitions().size() == 2 && two.partitions().size() == 2);
        List<Integer> before = one.partitions();
        int changes = two.changes();
        one.stop();
        Member again = new Member(asked, "group.instance.id", "one");
        Asked.eventually("it is back", () -> again.partitions().size() == 2);
        List<Integer> after = again.partitions();
        int changesOfTheOther = two.changes() - changes;
        again.stop();
        two.stop();
        return Map.of("before", before, "after", after, "changes of the other", changesOfTheOther);
    }
}
