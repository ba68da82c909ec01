// The scenarios of test_foreign_clients.py, with franz-go.
//
// A line of input is a scenario: its name, where the broker is, and a topic of its own. A line of output is what
// happened, or why it failed. What should have happened is known to the test alone.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const patience = 30 * time.Second

type asked struct {
	Scenario, Broker, Topic string
	Protocol                string // of groups: "classic" or "consumer"
}

type told = map[string]any

var scenarios = map[string]func(asked) told{
	"codecs": codecs, "keys": keys, "records": records, "acks": acks, "idempotent": idempotent, "too large": tooLarge,
	"offsets": offsets, "transactions": transactions,
	"group": group, "resume": resume, "static members": staticMembers, "share group": shareGroup,
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

// code is Kafka's number of the error; -1 is Kafka's too, for what it did not expect.
func code(err error) int {
	var known *kerr.Error
	if err == nil {
		return 0
	}
	if errors.As(err, &known) {
		return int(known.Code)
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

func within() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	time.AfterFunc(patience, cancel)
	return ctx
}

func client(wanted asked, options ...kgo.Opt) *kgo.Client {
	options = append(options, kgo.SeedBrokers(wanted.Broker), kgo.MetadataMinAge(20*time.Millisecond))
	return got(kgo.NewClient(options...))
}

// fromTheStart reads so many records of the topic, partition by partition.
func fromTheStart(wanted asked, count int, options ...kgo.Opt) []*kgo.Record {
	options = append(options, kgo.ConsumeTopics(wanted.Topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	consumer := client(wanted, options...)
	defer consumer.Close()
	var read []*kgo.Record
	for len(read) < count {
		fetches := consumer.PollFetches(within())
		must(fetches.Err())
		read = append(read, fetches.Records()...)
	}
	sort.Slice(read, func(i, j int) bool {
		if read[i].Partition != read[j].Partition {
			return read[i].Partition < read[j].Partition
		}
		return read[i].Offset < read[j].Offset
	})
	return read
}

func values(records []*kgo.Record) []string {
	read := []string{}
	for _, record := range records {
		read = append(read, string(record.Value))
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
