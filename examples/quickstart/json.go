package main

import (
	"encoding/json"
	"io"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// The report as the one JSON object of -json. Nothing in it is null but run,
// when nothing was imported.
type (
	jsonReport struct {
		Run       *jsonRun                       `json:"run"`
		Hits      []jsonHit                      `json:"hits"`
		Total     int                            `json:"total"`
		Facets    map[string][]search.FacetCount `json:"facets"`
		Functions []string                       `json:"functions"`
	}
	jsonRun struct {
		ID      string                 `json:"id"`
		Status  jobs.Status            `json:"status"`
		Error   string                 `json:"error"`
		Streams map[string]*jsonStream `json:"streams"`
	}
	jsonStream struct {
		*connectors.Counts
		BadValues int64                `json:"bad_values,omitempty"` // single values that were left out
		Failures  []connectors.Failure `json:"failures,omitempty"`   // the first 20 of the run
	}
	jsonHit struct {
		Type       string              `json:"type"`
		ID         string              `json:"id"`
		Label      string              `json:"label"`
		Title      string              `json:"title"`
		Score      float64             `json:"score"`
		Highlights map[string][]string `json:"highlights"`
	}
)

func writeJSON(w io.Writer, r report) error {
	j := jsonReport{Hits: []jsonHit{}, Facets: map[string][]search.FacetCount{}, Functions: []string{}}
	if r.run != nil {
		j.Run = &jsonRun{ID: r.run.ID, Status: r.run.Status, Error: r.run.Error, Streams: map[string]*jsonStream{}}
		for name, counts := range r.result.Streams {
			j.Run.Streams[name] = &jsonStream{Counts: counts, BadValues: counts.BadValues}
		}
		for _, f := range r.result.Failures {
			if s := j.Run.Streams[f.Type]; s != nil {
				s.Failures = append(s.Failures, f)
			}
		}
	}
	if r.found != nil {
		j.Total, j.Facets = r.found.Total, r.found.Facets
		for _, h := range r.found.Hits {
			highlights := h.Highlights
			if highlights == nil {
				highlights = map[string][]string{}
			}
			j.Hits = append(j.Hits, jsonHit{h.Type, h.ID, h.Label, h.Title, h.Score, highlights})
		}
	}
	for _, f := range r.functions {
		j.Functions = append(j.Functions, f.Name())
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(j)
}
