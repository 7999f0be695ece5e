package salesforce

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/connectors/salesforce/export"
	"github.com/curatore/curatore-go/content"
)

// maxJob is how long a query job may take. Salesforce gives up much earlier.
const maxJob = 24 * time.Hour

// start makes a query job and waits until it is done.
func (b *bulk) start(ctx context.Context, operation, query string) (id string, err error) {
	body, err := json.Marshal(map[string]string{"operation": operation, "query": query})
	if err != nil {
		return "", err
	}
	var job struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Message string `json:"errorMessage"`
	}
	// A job that was made twice costs little: nobody reads the other one.
	if err := b.client.JSON(ctx, rest.Request{Method: http.MethodPost, Path: b.base + "/jobs/query", Body: body, Repeat: true}, &job); err != nil {
		return "", err
	}
	if id = job.ID; id == "" {
		return "", fmt.Errorf("the query job of Salesforce: %w: it has no id", rest.ErrUnreadable)
	}
	begun := b.in.Now()
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		switch job.State {
		case "JobComplete":
			return id, nil
		case "UploadComplete", "InProgress":
		case "Failed", "Aborted":
			return "", fmt.Errorf("the query of Salesforce ended as %s: %s", job.State, job.Message)
		default:
			return "", fmt.Errorf("the query job of Salesforce: %w: its state is %q", rest.ErrUnreadable, job.State)
		}
		if b.in.Now().Sub(begun) > maxJob {
			return "", fmt.Errorf("the query of Salesforce was not done after %s", maxJob)
		}
		if err := b.client.Pause(ctx, pause); err != nil {
			return "", err
		}
		job.State, job.Message = "", ""
		if err := b.client.JSON(ctx, rest.Request{Path: b.base + "/jobs/query/" + url.PathEscape(id)}, &job); err != nil {
			return "", err
		}
	}
}

// A place is the position in the results of a job.
type place struct {
	Job     string `json:"j"`
	Locator string `json:"l,omitempty"`
	Given   int    `json:"i,omitempty"` // rows behind the locator
	Columns string `json:"c,omitempty"` // of the pages before, as a hash
}

// String implements fmt.Stringer.
func (p place) String() string {
	b, _ := json.Marshal(p) // texts always encode
	return string(b)
}

// A page is a part of the results of a job. It is a CSV, which is read as those of
// an export are.
type page struct {
	rows   *export.Export // nil without rows
	object string
	count  int
	next   string // locator; "" behind the last page
}

// pageRows is how many rows a page of results has, at most. A page is in memory.
const pageRows = 10_000

// pages gives the pages of a job from a locator on. Each is checked before it is
// given: all of its rows are there and have all columns. A locator that was given
// before would never come to an end, and is an error.
func (b *bulk) pages(ctx context.Context, object, job, locator string) iter.Seq2[*page, error] {
	return func(yield func(*page, error) bool) {
		seen := map[string]bool{locator: true}
		for rows := pageRows; ; {
			p, err := b.page(ctx, object, job, locator, &rows)
			if err == nil && p.next != "" && seen[p.next] {
				err = fmt.Errorf("the results of Salesforce: %w: page %d leads back to one before it", rest.ErrUnreadable, len(seen))
			}
			if !yield(p, err) || err != nil || p.next == "" {
				return
			}
			locator = p.next
			seen[locator] = true
		}
	}
}

// page reads a page of at most so many rows. One that is damaged on its way is
// asked for again, and one that is too long with fewer rows.
func (b *bulk) page(ctx context.Context, object, job, locator string, rows *int) (*page, error) {
	const attempts = 3
	for attempt := 1; ; {
		p, err := b.fetch(ctx, object, job, locator, *rows)
		switch {
		case errors.Is(err, rest.ErrTooLarge) && *rows > 1:
			*rows = max(1, *rows/8)
		case errors.Is(err, rest.ErrUnreadable) && attempt < attempts:
			if err := b.client.Pause(ctx, time.Duration(attempt)*time.Second); err != nil {
				return nil, err
			}
			attempt++
		default:
			return p, err
		}
	}
}

// fetch makes one attempt.
func (b *bulk) fetch(ctx context.Context, object, job, locator string, rows int) (*page, error) {
	query := url.Values{"maxRecords": {strconv.Itoa(rows)}}
	if locator != "" {
		query.Set("locator", locator)
	}
	a, err := b.client.Do(ctx, rest.Request{Path: b.base + "/jobs/query/" + url.PathEscape(job) + "/results", Query: query, Header: http.Header{"Accept": {"text/csv"}}})
	if err != nil {
		return nil, err
	}
	p := &page{object: object, next: a.Header.Get("Sforce-Locator")}
	if p.next == "null" {
		p.next = ""
	}
	told, err := strconv.Atoi(a.Header.Get("Sforce-NumberOfRecords"))
	if err != nil {
		told = -1 // it does not tell
	}
	damaged := func(err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("the results of Salesforce: %w: %w", rest.ErrUnreadable, err)
	}
	switch {
	case len(a.Body) == 0 && told == 0:
		return p, nil
	case len(a.Body) == 0:
		return nil, damaged(errors.New("there are none"))
	}
	file := export.File{Name: object + ".csv", Size: int64(len(a.Body)), ReaderAt: bytes.NewReader(a.Body)}
	if p.rows, err = export.Open(ctx, []export.File{file}, []string{object}, export.Options{Encoding: "utf-8", DateOrder: export.MonthFirst}); err != nil {
		return nil, damaged(err)
	}
	if p.rows.Column(object, "Id") < 0 {
		return nil, damaged(errors.New("there is no column Id"))
	}
	for row, err := range p.all(ctx) {
		if err != nil {
			return nil, damaged(err)
		}
		if row.Err != nil && (errors.Is(row.Err, export.ErrFields) || errors.Is(row.Err, export.ErrQuote)) {
			return nil, damaged(row.Err)
		}
		p.count++
	}
	if p.count < told {
		return nil, damaged(fmt.Errorf("a page has %d of %d rows", p.count, told))
	}
	return p, nil
}

// all gives the rows of a page.
func (p *page) all(ctx context.Context) iter.Seq2[*export.Record, error] {
	if p.rows == nil {
		return func(func(*export.Record, error) bool) {}
	}
	return p.rows.Records(ctx, p.object, export.Position{})
}

// columns stand for the names of a page's columns, in any order; "" is a page
// without rows.
func (p *page) columns() string {
	if p.rows == nil {
		return ""
	}
	var names []string
	for _, name := range p.rows.Header(p.object) {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, ",")))
	return fmt.Sprintf("%x", sum[:6])
}

// results gives the records of a job from a place on.
func (b *bulk) results(ctx context.Context, m objectMap, p *place, yield func(connectors.Record, error) bool) error {
	for pg, err := range b.pages(ctx, m.object, p.Job, p.Locator) {
		if err != nil {
			return err
		}
		if columns := pg.columns(); p.Columns != "" && columns != "" && columns != p.Columns {
			// What is not there would be taken for empty.
			return fmt.Errorf("the results of Salesforce: %w: a page of %s has other columns than the one before it", rest.ErrUnreadable, m.object)
		} else if columns != "" {
			p.Columns = columns
		}
		var r *reader
		var f *fingerprints
		if pg.rows != nil {
			r = newReader(m, export.MonthFirst, func(column string) int { return pg.rows.Column(m.object, column) })
			f = newFingerprints(r, pg.rows.Header(m.object))
		}
		n := 0
		for row, err := range pg.all(ctx) {
			if err != nil {
				return err
			}
			if n++; n <= p.Given {
				continue
			}
			p.Given = n
			record := r.row(row, f)
			record.Position = *p
			if !yield(record, nil) {
				return errStopped
			}
		}
		// An interrupted import may have had longer pages.
		p.Locator, p.Given = pg.next, max(0, p.Given-n)
	}
	return nil
}

// Keys implements connectors.Lister: what was deleted so long ago that queryAll
// does not give it any more is found by what is left.
func (b *bulk) Keys(typ *content.Type) func(context.Context) iter.Seq2[string, error] {
	i := slices.IndexFunc(b.maps, func(m objectMap) bool { return m.typ.Name() == typ.Name() })
	if i < 0 {
		return nil
	}
	object := b.maps[i].object
	return func(ctx context.Context) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			job, err := b.start(ctx, "query", "SELECT Id FROM "+object)
			if err != nil {
				yield("", err)
				return
			}
			for pg, err := range b.pages(ctx, object, job, "") {
				if err != nil {
					yield("", err)
					return
				}
				for row, err := range pg.all(ctx) {
					var key string
					if err == nil {
						key, err = export.ParseID(row.Fields[pg.rows.Column(object, "Id")])
					}
					if !yield(key, err) || err != nil {
						return
					}
				}
			}
		}
	}
}
