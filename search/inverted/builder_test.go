package inverted

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
)

func TestBuildRefuses(t *testing.T) {
	var b Builder
	for name, docs := range map[string][]Document{
		"no chunks":       {{Title: "a"}},
		"too many chunks": {{Chunks: make([]string, MaxChunks)}, {Chunks: []string{""}}},
		"unknown kind":    {{Chunks: []string{""}, Values: map[string]any{"x": struct{}{}}}},
	} {
		if _, err := b.Build(docs); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := b.Build([]Document{{Chunks: make([]string, MaxChunks)}})
	if err != nil || s.Chunks() != MaxChunks {
		t.Errorf("the largest document: %v", err)
	}
	if s, err := b.Build(nil); err != nil || s.Chunks() != 0 {
		t.Errorf("no documents: %v", err)
	}
}

// A Builder that is used again builds the same.
func TestBuilderIsReusable(t *testing.T) {
	docs := []Document{{Title: "One title", Chunks: []string{"some words", "more words"}, Values: map[string]any{"n": 1, "s": []string{"b", "a"}}}, {Chunks: []string{"words"}}}
	var used Builder
	for i := range 5 {
		if _, err := used.Build([]Document{{Title: fmt.Sprint("other ", i), Chunks: []string{"other some"}}}); err != nil {
			t.Fatal(err)
		}
		got, err := used.Build(docs)
		if err != nil {
			t.Fatal(err)
		}
		want, err := new(Builder).Build(docs)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 20_000)
	for i := range words {
		for n := i + 1; n > 0; n /= 20 {
			words[i] += string("bcdfghklmnpqrstvwxyz"[n%20]) + string("aeiou"[n%5])
		}
	}
	zipf := rand.NewZipf(rnd, 1.07, 2.7, uint64(len(words)-1))
	docs := make([]Document, 1000)
	size := 0
	for i := range docs {
		var s strings.Builder
		for range 150 {
			s.WriteString(words[zipf.Uint64()] + " ")
		}
		docs[i] = Document{Title: "some title words here", Chunks: []string{s.String()}, Values: map[string]any{"type": "x", "n": i}}
		size += s.Len()
	}
	b.SetBytes(int64(size))
	var builder Builder
	for b.Loop() {
		if _, err := builder.Build(docs); err != nil {
			b.Fatal(err)
		}
	}
}
