import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

import static java.nio.charset.StandardCharsets.UTF_8;

class Produce {
    static Map<String, Object> codecs(Asked asked) throws Exception {
        List<String> codecs = List.of("none", "gzip", "snappy", "lz4", "zstd");
        for (String codec : codecs) {
            try (var producer = asked.producer("compression.type", codec, "linger.ms", 50)) {
                for (int i = 0; i < 10; i++)
                    producer.send(new ProducerRecord<>(asked.topic(), codec + "-" + i + "-" + "x".repeat(200)));
            }
        }
        return Map.of("read", Asked.values(asked.fromTheStart(50)));
    }

    static Map<String, Object> keys(Asked asked) throws Exception {
        List<List<Object>> sent = new ArrayList<>(), read = new ArrayList<>();
        try (var producer = asked.producer()) {
            for (int i = 0; i < 50; i++) {
                RecordMetadata stored = asked.send(producer, "key-" + i, "v");
                sent.add(List.of("key-" + i, stored.partition(), stored.offset()));
            }
        }
        for (ConsumerRecord<String, String> each : asked.fromTheStart(50))
            read.add(List.of(each.key(), each.partition(), each.offset()));
        return Map.of("sent", sent, "read", read);
    }

    static Map<String, Object> records(Asked asked) throws Exception {
        List<Header> headers = List.of(
            header("a", "1"), header("a", "2"), header("empty", ""), header("ü", "ß"));
        try (var producer = asked.producer()) {
            producer.send(new ProducerRecord<>(asked.topic(), 0, 1000L, null, "plain")).get();
            producer.send(new ProducerRecord<>(asked.topic(), 0, 2000L, "k", null, List.of())).get();
            producer.send(new ProducerRecord<>(asked.topic(), 0, 3000L, "", "")).get();
            producer.send(new ProducerRecord<>(asked.topic(), 0, 4000L, "h", "v", headers)).get();
        }
        List<Map<String, Object>> read = new ArrayList<>();
        for (ConsumerRecord<String, String> each : asked.fromTheStart(4)) {
            List<List<String>> pairs = new ArrayList<>();
            for (Header header : each.headers()) pairs.add(List.of(header.key(), new String(header.value(), UTF_8)));
            Map<String, Object> told = new TreeMap<>();
            told.put("offset", each.offset());
            told.put("key", each.key());
            told.put("value", each.value());
            told.put("headers", pairs);
            told.put("timestamp", each.timestamp());
            read.add(told);
        }
        return Map.of("read", read);
    }

    private static Header header(String key, String value) {
        return new RecordHeader(key, value.getBytes(UTF_8));
    }

    static Map<String, Object> acks(Asked asked) throws Exception {
        for (String level : List.of("0", "1", "all")) {
            try (var producer = asked.producer("acks", level, "enable.idempotence", false)) {
                asked.send(producer, null, "acks " + level);
            }
        }
        return Map.of("read", Asked.values(asked.fromTheStart(3)));
    }

    static Map<String, Object> idempotent(Asked asked) throws Exception {
        List<Long> offsets = new ArrayList<>();
        try (var producer = asked.producer("enable.idempotence", true, "batch.size", 200)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < 500; i++) sent.add(producer.send(new ProducerRecord<>(asked.topic(), "" + i)));
            for (Future<RecordMetadata> each : sent) offsets.add(each.get().offset());
        }
        return Map.of("offsets", offsets, "read", Asked.values(asked.fromTheStart(500)));
    }

    static Map<String, Object> tooLarge(Asked asked) throws Exception {
        try (var producer = asked.producer()) {
            int error = Asked.code(() -> asked.send(producer, null, "x".repeat(5000)));
            return Map.of("error", error, "offset after it", asked.send(producer, null, "small").offset());
        }
    }

    static Map<String, Object> transactions(Asked asked) throws Exception {
        boolean fenced = false;
        try (var producer = asked.producer("transactional.id", asked.topic());
            var newer = asked.producer("transactional.id", asked.topic())) {
            producer.initTransactions();
            transaction(asked, producer, true, "c0", "c1", "c2");
            transaction(asked, producer, false, "a0", "a1");
            transaction(asked, producer, true, "d0");
            consumeAndCommit(asked, producer);
            newer.initTransactions();
            transaction(asked, newer, true, "n0");
            try {
                transaction(asked, producer, true, "z0");
            } catch (Exception refused) {
                fenced = true;
            }
        }
        TopicPartition partition = new TopicPartition(asked.topic(), 0);
        try (var admin = asked.admin()) {
            Map<TopicPartition, OffsetAndMetadata> committed =
                admin.listConsumerGroupOffsets(asked.topic()).partitionsToOffsetAndMetadata().get();
            return Map.of(
                "committed", Asked.values(asked.fromTheStart(5, "isolation.level", "read_committed")),
                "all", Asked.values(asked.fromTheStart(7)),
                "fenced", fenced,
                "group's offset", committed.get(partition).offset());
        }
    }

    private static void transaction(
        Asked asked, KafkaProducer<String, String> producer, boolean isGood, String... values) throws Exception {
        producer.beginTransaction();
        for (String value : values) asked.send(producer, null, value);
        if (isGood) producer.commitTransaction();
        else producer.abortTransaction();
    }

    /** Reads the topic in a group, and commits in a transaction how far it is. */
    private static void consumeAndCommit(Asked asked, KafkaProducer<String, String> producer) {
        try (var consumer = asked.groupConsumer("isolation.level", "read_committed")) {
            consumer.subscribe(List.of(asked.topic()));
            ConsumerRecord<String, String> last = Asked.read(consumer, 4).get(3);
            producer.beginTransaction();
            producer.sendOffsetsToTransaction(
                Map.of(new TopicPartition(asked.topic(), 0), new OffsetAndMetadata(last.offset() + 1)),
                consumer.groupMetadata());
            producer.commitTransaction();
        }
    }
}
