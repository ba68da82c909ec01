package main

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func send(producer *kgo.Client, records ...*kgo.Record) []*kgo.Record {
	sent := producer.ProduceSync(within(), records...)
	must(sent.FirstErr())
	var stored []*kgo.Record
	for _, each := range sent {
		stored = append(stored, each.Record)
	}
	return stored
}

func codecs(wanted asked) told {
	names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	all := []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	}
	for index, codec := range all {
		producer := client(wanted, kgo.ProducerBatchCompression(codec))
		var batch []*kgo.Record
		for number := range 10 {
			value := fmt.Sprintf("%s-%d-%s", names[index], number, strings.Repeat("x", 200))
			batch = append(batch, &kgo.Record{Topic: wanted.Topic, Value: []byte(value)})
		}
		send(producer, batch...)
		producer.Close()
	}
	return told{"read": values(fromTheStart(wanted, 50))}
}

func keys(wanted asked) told {
	producer := client(wanted)
	defer producer.Close()
	var sent []*kgo.Record
	for number := range 50 {
		key := fmt.Sprintf("key-%d", number)
		sent = append(sent, send(producer, &kgo.Record{Topic: wanted.Topic, Key: []byte(key), Value: []byte("v")})...)
	}
	where := func(records []*kgo.Record) [][]any {
		var places [][]any
		for _, each := range records {
			places = append(places, []any{string(each.Key), each.Partition, each.Offset})
		}
		return places
	}
	return told{"sent": where(sent), "read": where(fromTheStart(wanted, 50))}
}

func records(wanted asked) told {
	producer := client(wanted)
	defer producer.Close()
	headers := []kgo.RecordHeader{
		{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "empty", Value: []byte{}},
		{Key: "ü", Value: []byte("ß")},
	}
	send(producer,
		&kgo.Record{Topic: wanted.Topic, Value: []byte("plain"), Timestamp: time.UnixMilli(1000)},
		&kgo.Record{Topic: wanted.Topic, Key: []byte("k"), Timestamp: time.UnixMilli(2000)},
		&kgo.Record{Topic: wanted.Topic, Key: []byte{}, Value: []byte{}, Timestamp: time.UnixMilli(3000)},
		&kgo.Record{
			Topic: wanted.Topic, Key: []byte("h"), Value: []byte("v"), Headers: headers, Timestamp: time.UnixMilli(4000),
		},
	)
	read := []told{}
	for _, each := range fromTheStart(wanted, 4) {
		pairs := [][]string{}
		for _, header := range each.Headers {
			pairs = append(pairs, []string{header.Key, string(header.Value)})
		}
		read = append(read, told{
			"offset": each.Offset, "key": text(each.Key), "value": text(each.Value), "headers": pairs,
			"timestamp": each.Timestamp.UnixMilli(),
		})
	}
	return told{"read": read}
}

func acks(wanted asked) told {
	for name, level := range map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()} {
		producer := client(wanted, kgo.RequiredAcks(level), kgo.DisableIdempotentWrite())
		send(producer, &kgo.Record{Topic: wanted.Topic, Value: []byte("acks " + name)})
		producer.Close()
	}
	return told{"read": values(fromTheStart(wanted, 3))}
}

func idempotent(wanted asked) told {
	producer := client(wanted, kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytes(1024))
	defer producer.Close()
	var wave []*kgo.Record
	for number := range 500 {
		wave = append(wave, &kgo.Record{Topic: wanted.Topic, Value: fmt.Appendf(nil, "%d", number)})
	}
	var places []int64
	for _, each := range send(producer, wave...) {
		places = append(places, each.Offset)
	}
	return told{"offsets": places, "read": values(fromTheStart(wanted, 500))}
}

func tooLarge(wanted asked) told {
	producer := client(wanted, kgo.ProducerBatchCompression(kgo.NoCompression()))
	defer producer.Close()
	large := make([]byte, 5000)
	rand.Read(large)
	refused := producer.ProduceSync(within(), &kgo.Record{Topic: wanted.Topic, Value: large}).FirstErr()
	after := send(producer, &kgo.Record{Topic: wanted.Topic, Value: []byte("small")})
	return told{"error": code(refused), "offset after it": after[0].Offset}
}

func offsets(wanted asked) told {
	producer := client(wanted, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer producer.Close()
	for number := range int64(10) {
		send(producer, &kgo.Record{Topic: wanted.Topic, Value: []byte("v"), Timestamp: time.UnixMilli(1000 + number)})
	}
	admin := kadm.NewClient(producer)
	at := func(listed kadm.ListedOffsets, err error) []int64 {
		must(err)
		first, _ := listed.Lookup(wanted.Topic, 0)
		second, _ := listed.Lookup(wanted.Topic, 1)
		return []int64{first.Offset, second.Offset}
	}
	return told{
		"earliest": at(admin.ListStartOffsets(within(), wanted.Topic)),
		"latest":   at(admin.ListEndOffsets(within(), wanted.Topic)),
		"at 1004":  at(admin.ListOffsetsAfterMilli(within(), 1004, wanted.Topic))[0],
		"largest":  at(admin.ListMaxTimestampOffsets(within(), wanted.Topic))[0],
	}
}

func transactions(wanted asked) told {
	name := kgo.TransactionalID(wanted.Topic)
	producer := client(wanted, name)
	defer producer.Close()
	transaction := func(end kgo.TransactionEndTry, said ...string) {
		must(producer.BeginTransaction())
		for _, each := range said {
			send(producer, &kgo.Record{Topic: wanted.Topic, Value: []byte(each)})
		}
		must(producer.EndTransaction(within(), end))
	}
	transaction(kgo.TryCommit, "c0", "c1", "c2")
	transaction(kgo.TryAbort, "a0", "a1")
	transaction(kgo.TryCommit, "d0")
	committed := consumeAndCommit(wanted)

	newer := client(wanted, name)
	defer newer.Close()
	must(newer.BeginTransaction())
	send(newer, &kgo.Record{Topic: wanted.Topic, Value: []byte("n0")})
	must(newer.EndTransaction(within(), kgo.TryCommit))
	must(producer.BeginTransaction())
	fenced := producer.ProduceSync(within(), &kgo.Record{Topic: wanted.Topic, Value: []byte("z0")}).FirstErr()
	return told{
		"committed":      values(fromTheStart(wanted, 5, kgo.FetchIsolationLevel(kgo.ReadCommitted()))),
		"all":            values(fromTheStart(wanted, 7)),
		"fenced":         fenced != nil,
		"group's offset": committed,
	}
}

// consumeAndCommit reads the topic in a group, and ends the transaction of what it made of it with its offsets.
func consumeAndCommit(wanted asked) int64 {
	session := got(kgo.NewGroupTransactSession(
		kgo.SeedBrokers(wanted.Broker), kgo.TransactionalID(wanted.Topic+"-session"), kgo.ConsumerGroup(wanted.Topic),
		kgo.ConsumeTopics(wanted.Topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
	))
	defer session.Close()
	var read []*kgo.Record
	for len(read) < 4 {
		fetches := session.PollFetches(within())
		must(fetches.Err())
		must(session.Begin())
		read = append(read, fetches.Records()...)
		if ended := got(session.End(within(), kgo.TryCommit)); !ended {
			panic("the session's transaction was not committed")
		}
	}
	var offset kadm.OffsetResponse
	admin := kadm.NewClient(session.Client())
	eventually("the offset is committed", func() bool { // the transaction's markers come after its end is answered
		offset, _ = got(admin.FetchOffsets(within(), wanted.Topic)).Lookup(wanted.Topic, 0)
		return offset.At > read[3].Offset
	})
	return offset.At
}
