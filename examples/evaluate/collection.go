package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/abadojack/whatlanggo"

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

// documents declares the type of documents in a language.
func documents(language string) *content.Type {
	return content.Define(content.Spec[document]{Name: documentType, Label: "Document", Language: language})
}

// A question is a query with the documents that answer it.
type question struct {
	id, text string
	grades   map[string]float64 // of the documents that are relevant, above 0
	itself   bool               // the question is the document of its name, which is no answer
}

// A collection is a folder with a corpus, and questions that have answers.
type collection struct {
	corpus    string // file
	language  string // of most documents, a BCP 47 tag
	questions []*question
	absent    map[string]bool // documents that answer a question and were not met yet
	warnings  []string
}

// openCollection reads the questions and the answers.
func openCollection(dir string) (*collection, error) {
	c := &collection{corpus: filepath.Join(dir, "corpus.jsonl"), absent: map[string]bool{}}
	queries := filepath.Join(dir, "queries.jsonl")
	for _, path := range []string{c.corpus, queries} {
		if info, err := os.Stat(path); err != nil {
			return nil, usageError{err}
		} else if info.IsDir() {
			return nil, usageError{fmt.Errorf("%s is a folder", path)}
		}
	}
	judged, err := c.readJudgements(dir)
	if err != nil {
		return nil, err
	}
	without := 0
	for l, err := range readLines(queries) {
		if err != nil {
			return nil, err
		}
		grades, ok := judged[string(l.ID)]
		delete(judged, string(l.ID)) // a query that comes twice counts once
		if len(grades) == 0 {
			if ok {
				without++
			}
			continue
		}
		c.questions = append(c.questions, &question{id: string(l.ID), text: string(l.Text), grades: grades})
		for doc := range grades {
			c.absent[doc] = true
		}
	}
	if len(c.questions) == 0 {
		return nil, fmt.Errorf("%s: no query has a document that answers it", dir)
	}
	if without > 0 {
		c.warnings = append(c.warnings, fmt.Sprintf("%d queries have judgements but no relevant document and do not count", without))
	}
	if lost := len(judged); lost > 0 {
		c.warnings = append(c.warnings, fmt.Sprintf("%d queries with judgements are not in %s", lost, queries))
	}
	return c, nil
}

// sample is how much of a corpus tells its language, in documents and in bytes of
// each.
const (
	sampleDocuments = 200
	sampleBytes     = 400
)

// tell finds out the language of the corpus from its first documents: that of
// all together or, when names and code among them blur it, that of most of them by
// their length. It is English when there is none.
func (c *collection) tell() error {
	var together strings.Builder
	lengths := map[string]int{}
	n := 0
	for l, err := range readLines(c.corpus) {
		if err != nil {
			return err
		}
		text := string(l.Title) + " " + string(l.Text) + " "
		text = strings.ToValidUTF8(text[:min(len(text), sampleBytes)], "")
		together.WriteString(text)
		lengths[whatlanggo.DetectLang(text).Iso6391()] += len(text)
		if n++; n == sampleDocuments {
			break
		}
	}
	c.language = "en"
	if info := whatlanggo.Detect(together.String()); info.IsReliable() && info.Lang.Iso6391() != "" {
		c.language = info.Lang.Iso6391()
		return nil
	}
	for language, length := range lengths {
		if language != "" && length > together.Len()/2 {
			c.language = language
		}
	}
	return nil
}

// connection imports the corpus. Its records are read again for each import.
func connection(c *collection) *connectors.Connection {
	byID := make(map[string]*question, len(c.questions))
	for _, q := range c.questions {
		byID[q.id] = q
	}
	documents := documents(c.language)
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
						if q := byID[string(l.ID)]; q != nil && q.text == string(l.Text) && q.grades[q.id] == 0 {
							q.itself = true
						}
						delete(c.absent, string(l.ID))
						if !yield(&document{DocumentID: string(l.ID), Title: string(l.Title), Text: string(l.Text)}, nil) {
							return
						}
					}
				}
			})}, nil
		},
	})
}
