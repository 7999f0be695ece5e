package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

const (
	connectionName = "collection"
	documentType   = "collection_document"
)

// A document is one of the corpus.
type document struct {
	content.Record
	DocumentID string `db:"document_id" content:"key"`
	Title      string `db:"title" content:"title"`
	Text       string `db:"text" content:"text"`
}

var documents = content.Define(content.Spec[document]{Name: documentType, Label: "Document"})

// A question is a query with the documents that answer it.
type question struct {
	id, text string
	grades   map[string]float64 // of the documents that are relevant, above 0
	itself   bool               // the question is the document of its name, which is no answer
}

// A collection is a folder with a corpus, and questions that have answers.
type collection struct {
	corpus    string // file
	questions []*question
	warnings  []string
}

// openCollection reads the questions and the answers.
func openCollection(dir string) (*collection, error) {
	c := &collection{corpus: filepath.Join(dir, "corpus.jsonl")}
	if _, err := os.Stat(c.corpus); err != nil {
		return nil, usageError{err}
	}
	judged, err := c.readJudgements(dir)
	if err != nil {
		return nil, err
	}
	for l, err := range readLines(filepath.Join(dir, "queries.jsonl")) {
		if err != nil {
			return nil, err
		}
		if grades := judged[string(l.ID)]; len(grades) > 0 {
			c.questions = append(c.questions, &question{id: string(l.ID), text: l.Text, grades: grades})
			delete(judged, string(l.ID)) // a query that comes twice counts once
		}
	}
	if len(c.questions) == 0 {
		return nil, fmt.Errorf("%s: no query has a document that answers it", dir)
	}
	return c, nil
}

// connection imports the corpus. Its records are read again for each import.
func connection(c *collection) *connectors.Connection {
	byID := make(map[string]*question, len(c.questions))
	for _, q := range c.questions {
		byID[q.id] = q
	}
	return connectors.New(connectors.Spec[struct{}]{
		Name: connectionName, Label: "Collection", Types: []*content.Type{documents}, Timeout: 100 * time.Hour,
		Open: func(context.Context, connectors.Input[struct{}]) (connectors.Session, error) {
			return connectors.Streams{connectors.Rows(documents, func(context.Context) iter.Seq2[*document, error] {
				return func(yield func(*document, error) bool) {
					for l, err := range readLines(c.corpus) {
						if err != nil {
							yield(nil, err)
							return
						}
						if q := byID[string(l.ID)]; q != nil && q.text == l.Text {
							q.itself = true
						}
						if !yield(&document{DocumentID: string(l.ID), Title: l.Title, Text: l.Text}, nil) {
							return
						}
					}
				}
			})}, nil
		},
	})
}

// A line is one of corpus.jsonl or queries.jsonl.
type line struct {
	ID    id     `json:"_id"`
	Title string `json:"title"` // may be missing
	Text  string `json:"text"`
}

// An id is text or a number.
type id string

// UnmarshalJSON implements [json.Unmarshaler].
func (i *id) UnmarshalJSON(data []byte) error {
	var number json.Number
	if err := json.Unmarshal(data, (*string)(i)); err == nil {
		return nil
	}
	if err := json.Unmarshal(data, &number); err != nil {
		return fmt.Errorf("an _id is text or a number, not %.40s", data)
	}
	*i = id(number)
	return nil
}

// readLines yields the lines of a JSON Lines file, of any length. What no
// database keeps in a text is dropped.
func readLines(path string) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(line{}, err)
			return
		}
		defer f.Close()
		in := bufio.NewReaderSize(f, 1<<20)
		for n := 1; ; n++ {
			data, end := in.ReadBytes('\n')
			if end != nil && !errors.Is(end, io.EOF) {
				yield(line{}, fmt.Errorf("%s line %d: %w", path, n, end))
				return
			}
			if text := strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff")); text != "" {
				var l line
				err := json.Unmarshal([]byte(text), &l)
				if err == nil && l.ID == "" {
					err = errors.New("it has no _id")
				}
				if err != nil {
					yield(line{}, fmt.Errorf("%s line %d: %w", path, n, err))
					return
				}
				l.Title, l.Text = strings.ReplaceAll(l.Title, "\x00", " "), strings.ReplaceAll(l.Text, "\x00", " ")
				if !yield(l, nil) {
					return
				}
			}
			if end != nil {
				return
			}
		}
	}
}

// readJudgements reads qrels.tsv, or qrels/test.tsv: lines of query, document and
// grade, or of query, 0, document and grade as in TREC, with or without a line of
// headings. A grade above 0 makes a document relevant.
func (c *collection) readJudgements(dir string) (map[string]map[string]float64, error) {
	path := filepath.Join(dir, "qrels.tsv")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		nested := filepath.Join(dir, "qrels", "test.tsv")
		if other, err2 := os.ReadFile(nested); err2 == nil {
			path, data, err = nested, other, nil
		}
	}
	if err != nil {
		return nil, usageError{err}
	}
	judged := map[string]map[string]float64{}
	n, unknown := 0, 0
	for text := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		n++
		f := strings.Fields(text)
		if strings.Contains(text, "\t") {
			f = strings.Split(strings.TrimRight(text, "\r\n"), "\t")
		}
		if len(f) == 0 || len(f) == 1 && strings.TrimSpace(f[0]) == "" {
			continue
		}
		if len(f) == 4 {
			f = []string{f[0], f[2], f[3]}
		}
		if len(f) != 3 {
			return nil, fmt.Errorf("%s line %d: it has %d columns; they are query, document and grade", path, n, len(f))
		}
		grade, err := strconv.ParseFloat(strings.TrimSpace(f[2]), 64)
		switch {
		case err != nil && n == 1:
			continue // headings
		case err != nil || math.IsNaN(grade) || math.IsInf(grade, 0):
			unknown++
			continue
		case grade <= 0:
			continue
		}
		query, doc := strings.TrimSpace(f[0]), strings.TrimSpace(f[1])
		if judged[query] == nil {
			judged[query] = map[string]float64{}
		}
		judged[query][doc] = grade
	}
	if unknown > 0 {
		c.warnings = append(c.warnings, fmt.Sprintf("%s: %d grades are not numbers and do not count", path, unknown))
	}
	return judged, nil
}
