// Package benchmarks measures keyword search beside other engines, in one run on
// one machine, so that the ratios mean something. It is a module of its own:
// nobody who uses the search inherits the engines it is compared with.
package benchmarks

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
)

const (
	documents = 100_000 // about a kilobyte each
	batchSize = 1000
	questions = 200
	warmUp    = 200 // other questions before them
)

// A figure is what one engine reached.
type figure struct {
	name     string
	rate     float64 // documents indexed a second
	cpu      float64 // microseconds of this process's processor time for each of them
	p50, p95 time.Duration
}

func BenchmarkKeyword(b *testing.B) {
	c := newCorpus()
	var batches [][]text
	var asked []string
	for range documents / batchSize {
		batch := make([]text, batchSize)
		for i := range batch {
			batch[i] = c.text()
		}
		batches = append(batches, batch)
	}
	for range warmUp + questions {
		asked = append(asked, c.question(batches[c.rnd.IntN(len(batches))][c.rnd.IntN(batchSize)]))
	}
	var figures []figure
	measure := func(name string, open func(b *testing.B) engine) {
		b.Run(name, func(b *testing.B) {
			var f figure
			for range b.N {
				e := open(b)
				start, used := time.Now(), processorTime(b)
				e.index(b, batches)
				f = figure{name: name, rate: documents / time.Since(start).Seconds(), cpu: (processorTime(b) - used).Seconds() * 1e6 / documents}
				f.p50, f.p95 = latency(b, e, asked)
				report(b, f)
				if ours, ok := e.(*curatore); ok {
					more(b, ours, asked)
				}
			}
			figures = append(figures, f)
		})
	}
	measure("curatore-sqlite", func(b *testing.B) engine { return newCuratore(b, database.SQLite) })
	measure("curatore-postgres", func(b *testing.B) engine { return newCuratore(b, database.Postgres) })
	measure("sqlite-fts5", func(b *testing.B) engine { return newFTS5(b) })
	measure("bleve", func(b *testing.B) engine { return newBleve(b) })
	for _, ours := range figures {
		for _, peer := range figures {
			if ours.name[:3] == "cur" && peer.name[:3] != "cur" {
				b.Logf("%s against %s: %.1f times the indexing rate, %.1f times faster at p50, %.1f times at p95", ours.name, peer.name,
					ours.rate/peer.rate, float64(peer.p50)/float64(ours.p50), float64(peer.p95)/float64(ours.p95))
			}
		}
	}
}

// latency asks all questions, of which the first are to warm up: what an engine
// has at hand then is what a server has that has been asked other things.
func latency(b *testing.B, e engine, asked []string) (p50, p95 time.Duration) {
	var times []time.Duration
	for i, q := range asked {
		start := time.Now()
		if e.find(b, q) == 0 {
			b.Fatalf("nothing is found for %q", q)
		}
		if i >= warmUp {
			times = append(times, time.Since(start))
		}
	}
	slices.Sort(times)
	return times[len(times)/2], times[len(times)*95/100]
}

// processorTime tells more than a clock when the machine is busy with other
// things. The work of a database server is not in it.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func report(b *testing.B, f figure) {
	b.ReportMetric(f.rate, "docs/s")
	b.ReportMetric(f.cpu, "cpu-us/doc")
	b.ReportMetric(float64(f.p50.Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(f.p95.Microseconds())/1000, "p95-ms")
	b.ReportMetric(0, "ns/op")
}

// more measures what pages are made of: filters, facets, highlights, and no text.
func more(b *testing.B, e *curatore, asked []string) {
	for _, c := range []struct {
		name  string
		query search.Query
		text  bool
	}{
		{"facets+filters+highlights", search.Query{Types: []string{"type_1", "type_2"}, Facets: []string{"type", "group", "desk.status"},
			Filters: []content.Filter{{Field: "desk.amount", Op: content.Greater, Values: []string{"50000"}}}}, true},
		{"newest", search.Query{}, false},
		{"newest+filter", search.Query{Filters: []content.Filter{{Field: "desk.status", Op: content.Equal, Values: []string{"status 3"}}}}, false},
	} {
		e.query = c.query
		texts := asked
		if !c.text {
			texts = make([]string, warmUp+100)
		}
		p50, p95 := latency(b, e, texts)
		b.Logf("%s: p50 %.1f ms, p95 %.1f ms", c.name, p50.Seconds()*1000, p95.Seconds()*1000)
	}
}
