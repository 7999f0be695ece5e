// Package vectors measures the search for near vectors beside other libraries, in
// one run on one machine, so that the ratios mean something. It is a module of its
// own: nobody who uses the search inherits the libraries it is compared with.
package vectors

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/curatore/curatore-go/search/searchtest"
)

const (
	count     = 100_000
	dimension = 384
	limit     = 10
	questions = 100
	warmUp    = 5
)

// An engine stores vectors, of which the number is the index + 1, and finds the
// best ten. Within nil is all; else those whose number is divisible by it.
type engine interface {
	store(b *testing.B, list [][]float32)
	find(b *testing.B, query []float32, every int) []int64
}

func must(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// A figure is what one engine reached with some data.
type figure struct {
	name     string
	p50, p95 time.Duration
}

// BenchmarkVectors stores 100,000 vectors of 384 dimensions in each engine and
// asks each the same questions.
func BenchmarkVectors(b *testing.B) {
	for _, data := range []string{"clustered", "random"} {
		rnd := rand.New(rand.NewPCG(1, 2))
		list := searchtest.ClusteredVectors(rnd, count, dimension, 300)
		if data == "random" {
			list = searchtest.RandomVectors(rnd, count, dimension)
		}
		for _, v := range list {
			normalise(v)
		}
		queries := make([][]float32, questions)
		for i := range queries {
			queries[i] = slices.Clone(list[rnd.IntN(count)])
			for j := range queries[i] {
				queries[i][j] += float32(rnd.NormFloat64() * .03) // about as far as the others of its topic
			}
			normalise(queries[i])
		}
		var figures []figure
		truth := map[int][][]int64{}
		for _, e := range []struct {
			name  string
			open  func(b *testing.B) engine
			every []int
		}{
			{"plain", func(*testing.B) engine { return &plain{} }, []int{1, 100}},
			{"curatore-sqlite", func(b *testing.B) engine { return openSQLite(b, 0) }, []int{1, 100, 2}},
			{"curatore-sqlite-codes-only", func(b *testing.B) engine { return openSQLite(b, 64<<20) }, []int{1, 100}},
			{"curatore-postgres", openPostgres, []int{1, 100, 2}},
			{"chromem-go", openChromem, []int{1}},
			{"sqlite-vec", openSQLiteVec, []int{1}},
		} {
			b.Run(data+"/"+e.name, func(b *testing.B) {
				before := heap()
				opened := e.open(b)
				start := time.Now()
				opened.store(b, list)
				b.Logf("stored %.0f vectors/s", count/time.Since(start).Seconds())
				start = time.Now()
				opened.find(b, queries[0], 1)
				b.Logf("first search %.0f ms, then %.0f bytes of heap for each vector", time.Since(start).Seconds()*1000, float64(heap()-before)/count)
				for range b.N {
					for _, every := range e.every {
						found, p50, p95 := ask(b, opened, queries, every)
						if truth[every] == nil { // the plain loop comes first
							plain := &plain{list}
							for _, q := range queries {
								truth[every] = append(truth[every], plain.find(b, q, every))
							}
						}
						name := "p50-ms"
						if every > 1 {
							name = map[int]string{100: "p50-ms-of-1%", 2: "p50-ms-of-50%"}[every]
						} else {
							figures = append(figures, figure{data + "/" + e.name, p50, p95})
							b.ReportMetric(p95.Seconds()*1000, "p95-ms")
						}
						b.ReportMetric(p50.Seconds()*1000, name)
						b.Logf("1 of %d: p50 %.2f ms, p95 %.2f ms, recall@%d %.3f", every, p50.Seconds()*1000, p95.Seconds()*1000, limit, recall(found, truth[every]))
					}
				}
				b.ReportMetric(0, "ns/op")
				runtime.KeepAlive(opened)
			})
		}
		for _, ours := range figures {
			for _, peer := range figures {
				if ours.name == data+"/curatore-sqlite" && ours != peer {
					b.Logf("%s against %s: %.1f times faster at p50, %.1f times at p95", ours.name, peer.name,
						float64(peer.p50)/float64(ours.p50), float64(peer.p95)/float64(ours.p95))
				}
			}
		}
	}
}

// ask asks all questions, after a few to warm up.
func ask(b *testing.B, e engine, queries [][]float32, every int) (found [][]int64, p50, p95 time.Duration) {
	var times []time.Duration
	for i, q := range append(queries[:warmUp:warmUp], queries...) {
		start := time.Now()
		numbers := e.find(b, q, every)
		if len(numbers) != limit {
			b.Fatalf("%d hits", len(numbers))
		}
		if i >= warmUp {
			times = append(times, time.Since(start))
			found = append(found, numbers)
		}
	}
	slices.Sort(times)
	return found, times[len(times)/2], times[len(times)*95/100]
}

func recall(found, truth [][]int64) float64 {
	n := 0
	for i, numbers := range found {
		for _, number := range numbers {
			if slices.Contains(truth[i], number) {
				n++
			}
		}
	}
	return float64(n) / float64(len(found)*limit)
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
