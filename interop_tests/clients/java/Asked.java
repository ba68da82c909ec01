import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** What a scenario is played on, and what all of them need. */
record Asked(String broker, String topic, String protocol) {
    static final Duration PATIENCE = Duration.ofSeconds(30);
    static final Duration A_MOMENT = Duration.ofMillis(100);

    /** Settings are given as key, value, key, value. */
    Map<String, Object> settings(Object... pairs) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", broker, "metadata.max.age.ms", 1000));
        for (int i = 0; i < pairs.length; i += 2) settings.put((String) pairs[i], pairs[i + 1]);
        return settings;
    }

    Admin admin() {
        return Admin.create(settings());
    }

    KafkaProducer<String, String> producer(Object... pairs) {
        return new KafkaProducer<>(settings(pairs), new StringSerializer(), new StringSerializer());
    }

    KafkaConsumer<String, String> consumer(Object... pairs) {
        Map<String, Object> settings = settings("auto.offset.reset", "earliest", "enable.auto.commit", false);
        settings.putAll(settings(pairs));
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    /** A consumer of the group that is called as the topic is, in the protocol that is asked for. */
    KafkaConsumer<String, String> groupConsumer(Object... pairs) {
        List<Object> all = new ArrayList<>(List.of(pairs));
        all.addAll(List.of("group.id", topic));
        if (protocol.equals("consumer")) all.addAll(List.of("group.protocol", "consumer"));
        else all.addAll(List.of("heartbeat.interval.ms", 200));
        return consumer(all.toArray());
    }

    RecordMetadata send(KafkaProducer<String, String> producer, String key, String value) throws Exception {
        return producer.send(new ProducerRecord<>(topic, key, value)).get();
    }

    /** So many records of the topic, partition by partition. */
    List<ConsumerRecord<String, String>> fromTheStart(int count, Object... pairs) {
        try (KafkaConsumer<String, String> consumer = consumer(pairs)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(each -> new TopicPartition(topic, each.partition())).collect(Collectors.toList());
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            return read(consumer, count);
        }
    }

    static List<ConsumerRecord<String, String>> read(KafkaConsumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> read = new ArrayList<>();
        eventually("records to read", () -> {
            consumer.poll(A_MOMENT).forEach(read::add);
            return read.size() >= count;
        });
        read.sort(Comparator.<ConsumerRecord<String, String>>comparingInt(ConsumerRecord::partition)
            .thenComparingLong(ConsumerRecord::offset));
        return read;
    }

    static List<String> values(List<ConsumerRecord<String, String>> records) {
        return records.stream().map(ConsumerRecord::value).collect(Collectors.toList());
    }

    static void eventually(String what, Callable<Boolean> condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try {
            while (!condition.call()) {
                if (System.nanoTime() > deadline) throw new AssertionError("not in time: " + what);
                Thread.sleep(20);
            }
        } catch (Exception wrong) {
            throw new AssertionError(what, wrong);
        }
    }

    /** Kafka's number of the error that the action ends in; 0 without one. */
    static int code(Callable<?> action) throws Exception {
        try {
            action.call();
            return 0;
        } catch (ExecutionException wrapped) {
            return Errors.forException(wrapped.getCause()).code();
        }
    }
}
