package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

func producer(wanted asked, changes ...func(*sarama.Config)) sarama.SyncProducer {
	return got(sarama.NewSyncProducer([]string{wanted.Broker}, config(changes...)))
}

func message(wanted asked, value string) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{Topic: wanted.Topic, Value: sarama.StringEncoder(value)}
}

func codecs(wanted asked) told {
	names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	for _, name := range names {
		var codec sarama.CompressionCodec
		must(codec.UnmarshalText([]byte(name)))
		producer := producer(wanted, func(chosen *sarama.Config) { chosen.Producer.Compression = codec })
		var batch []*sarama.ProducerMessage
		for number := range 10 {
			batch = append(batch, message(wanted, fmt.Sprintf("%s-%d-%s", name, number, strings.Repeat("x", 200))))
		}
		must(producer.SendMessages(batch))
		must(producer.Close())
	}
	return told{"read": values(fromTheStart(wanted, 50))}
}

func keys(wanted asked) told {
	producer := producer(wanted)
	defer producer.Close()
	sent, read := [][]any{}, [][]any{}
	for number := range 50 {
		key, each := fmt.Sprintf("key-%d", number), message(wanted, "v")
		each.Key = sarama.StringEncoder(key)
		partition, offset, err := producer.SendMessage(each)
		must(err)
		sent = append(sent, []any{key, partition, offset})
	}
	for _, each := range fromTheStart(wanted, 50) {
		read = append(read, []any{string(each.Key), each.Partition, each.Offset})
	}
	return told{"sent": sent, "read": read}
}

func records(wanted asked) told {
	producer := producer(wanted)
	defer producer.Close()
	header := func(key, value string) sarama.RecordHeader {
		return sarama.RecordHeader{Key: []byte(key), Value: []byte(value)}
	}
	headers := []sarama.RecordHeader{header("a", "1"), header("a", "2"), header("empty", ""), header("ü", "ß")}
	for number, each := range []*sarama.ProducerMessage{
		{Value: sarama.StringEncoder("plain")},
		{Key: sarama.StringEncoder("k")},
		{Key: sarama.StringEncoder(""), Value: sarama.StringEncoder("")},
		{Key: sarama.StringEncoder("h"), Value: sarama.StringEncoder("v"), Headers: headers},
	} {
		each.Topic, each.Timestamp = wanted.Topic, time.UnixMilli(int64(1000*(number+1)))
		_, _, err := producer.SendMessage(each)
		must(err)
	}
	read := []told{}
	for _, each := range fromTheStart(wanted, 4) {
		pairs := [][]string{}
		for _, header := range each.Headers {
			pairs = append(pairs, []string{string(header.Key), string(header.Value)})
		}
		read = append(read, told{
			"offset": each.Offset, "key": text(each.Key), "value": text(each.Value), "headers": pairs,
			"timestamp": each.Timestamp.UnixMilli(),
		})
	}
	return told{"read": read}
}

func acks(wanted asked) told {
	levels := map[string]sarama.RequiredAcks{"0": sarama.NoResponse, "1": sarama.WaitForLocal, "all": sarama.WaitForAll}
	for name, level := range levels {
		producer := producer(wanted, func(chosen *sarama.Config) { chosen.Producer.RequiredAcks = level })
		_, _, err := producer.SendMessage(message(wanted, "acks "+name))
		must(err)
		must(producer.Close())
	}
	return told{"read": values(fromTheStart(wanted, 3))}
}

func isIdempotent(chosen *sarama.Config) {
	chosen.Producer.Idempotent = true
	chosen.Net.MaxOpenRequests = 1
}

func idempotent(wanted asked) told {
	producer := producer(wanted, isIdempotent, func(chosen *sarama.Config) { chosen.Producer.Flush.MaxMessages = 10 })
	defer producer.Close()
	var wave []*sarama.ProducerMessage
	for number := range 500 {
		wave = append(wave, message(wanted, fmt.Sprint(number)))
	}
	must(producer.SendMessages(wave))
	var places []int64
	for _, each := range wave {
		places = append(places, each.Offset)
	}
	return told{"offsets": places, "read": values(fromTheStart(wanted, 500))}
}

func tooLarge(wanted asked) told {
	producer := producer(wanted)
	defer producer.Close()
	_, _, refused := producer.SendMessage(message(wanted, strings.Repeat("x", 5000)))
	_, offset, err := producer.SendMessage(message(wanted, "small"))
	must(err)
	return told{"error": code(refused), "offset after it": offset}
}

func transactions(wanted asked) told {
	isTransactional := func(chosen *sarama.Config) { chosen.Producer.Transaction.ID = wanted.Topic }
	older := producer(wanted, isIdempotent, isTransactional)
	defer older.Close()
	send := func(producer sarama.SyncProducer, said ...string) error {
		must(producer.BeginTxn())
		for _, each := range said {
			if _, _, err := producer.SendMessage(message(wanted, each)); err != nil {
				return err
			}
		}
		return nil
	}
	must(send(older, "c0", "c1", "c2"))
	must(older.CommitTxn())
	must(send(older, "a0", "a1"))
	must(older.AbortTxn())
	must(send(older, "d0"))
	must(older.CommitTxn())

	committed := func(chosen *sarama.Config) { chosen.Consumer.IsolationLevel = sarama.ReadCommitted }
	last := fromTheStart(wanted, 4, committed)[3]
	must(older.BeginTxn())
	must(older.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{
		wanted.Topic: {{Partition: 0, Offset: last.Offset + 1}},
	}, wanted.Topic))
	must(older.CommitTxn())

	newer := producer(wanted, isIdempotent, isTransactional)
	defer newer.Close()
	must(send(newer, "n0"))
	must(newer.CommitTxn())
	fenced := send(older, "z0")
	return told{
		"committed":      values(fromTheStart(wanted, 5, committed)),
		"all":            values(fromTheStart(wanted, 7)),
		"fenced":         fenced != nil,
		"group's offset": stored(wanted)[0],
	}
}
