// The scenarios of test_foreign_clients.py, with sarama.
//
// A line of input is a scenario: its name, where the broker is, and a topic of its own. A line of output is what
// happened, or why it failed. What should have happened is known to the test alone.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/IBM/sarama"
)

const patience = 30 * time.Second

type asked struct {
	Scenario, Broker, Topic string
}

type told = map[string]any

var scenarios = map[string]func(asked) told{
	"codecs": codecs, "keys": keys, "records": records, "acks": acks, "idempotent": idempotent, "too large": tooLarge,
	"offsets": offsets, "transactions": transactions,
	"group": group, "resume": resume, "static members": staticMembers,
	"topics": topics, "groups": groups,
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var wanted asked
		must(json.Unmarshal(lines.Bytes(), &wanted))
		must(json.NewEncoder(os.Stdout).Encode(run(wanted)))
	}
}

func run(wanted asked) (answer told) {
	defer func() {
		if failure := recover(); failure != nil {
			answer = told{"failed": fmt.Sprint(failure)}
		}
	}()
	return told{"told": scenarios[wanted.Scenario](wanted)}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func got[T any](value T, err error) T {
	must(err)
	return value
}

// code is Kafka's number of the error.
func code(err error) int {
	var known sarama.KError
	if err == nil {
		return 0
	}
	if errors.As(err, &known) {
		return int(known)
	}
	panic(err)
}

func eventually(what string, condition func() bool) {
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			panic("not in time: " + what)
		}
	}
}

// config is of a client that speaks the newest versions that it knows.
func config(changes ...func(*sarama.Config)) *sarama.Config {
	chosen := sarama.NewConfig()
	chosen.Version = sarama.MaxVersion
	chosen.Producer.Return.Successes = true
	chosen.Producer.RequiredAcks = sarama.WaitForAll
	chosen.Producer.Partitioner = sarama.NewMurmur2Partitioner
	chosen.Consumer.Offsets.Initial = sarama.OffsetOldest
	for _, change := range changes {
		change(chosen)
	}
	return chosen
}

func byHand(chosen *sarama.Config) { chosen.Producer.Partitioner = sarama.NewManualPartitioner }

// fromTheStart reads so many records of the topic, partition by partition.
func fromTheStart(wanted asked, count int, changes ...func(*sarama.Config)) []*sarama.ConsumerMessage {
	client := got(sarama.NewClient([]string{wanted.Broker}, config(changes...)))
	defer client.Close()
	consumer := got(sarama.NewConsumerFromClient(client))
	defer consumer.Close()
	var read []*sarama.ConsumerMessage
	for _, partition := range got(client.Partitions(wanted.Topic)) {
		if got(client.GetOffset(wanted.Topic, partition, sarama.OffsetNewest)) == 0 {
			continue
		}
		messages := got(consumer.ConsumePartition(wanted.Topic, partition, sarama.OffsetOldest))
		for end := messages.HighWaterMarkOffset(); len(read) < count; {
			message := next(messages.Messages())
			read = append(read, message)
			end = messages.HighWaterMarkOffset()
			if message.Offset+1 == end {
				break
			}
		}
		must(messages.Close())
	}
	return read
}

func next(messages <-chan *sarama.ConsumerMessage) *sarama.ConsumerMessage {
	select {
	case message := <-messages:
		return message
	case <-time.After(patience):
		panic("not in time: a record to read")
	}
}

func values(messages []*sarama.ConsumerMessage) []string {
	read := []string{}
	for _, message := range messages {
		read = append(read, string(message.Value))
	}
	return read
}

func text(data []byte) *string {
	if data == nil {
		return nil
	}
	said := string(data)
	return &said
}
