package salesforcetest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Summary counts what [Generate] wrote, per object: Account, Contact,
// Opportunity.
type Summary struct {
	Files    []string       // names of the parts, in order
	Rows     map[string]int // rows, deleted ones included
	Deleted  map[string]int // rows with IsDeleted
	Dangling map[string]int // rows whose AccountId is not in the export
}

// generator writes one export.
type generator struct {
	o   Options
	sum Summary
}

// Generate writes the parts of an export one after another to the writers that
// create returns for their names, and closes these. It holds one row at a time.
func Generate(o Options, create func(name string) (io.WriteCloser, error)) (Summary, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Summary{}, err
	}
	g := &generator{o: o, sum: Summary{Rows: map[string]int{}, Deleted: map[string]int{}, Dangling: map[string]int{}}}
	for part := range o.Parts {
		name := PartName(o.OrgID, part+1)
		g.sum.Files = append(g.sum.Files, name)
		w, err := create(name)
		if err != nil {
			return Summary{}, fmt.Errorf("generate export: %w", err)
		}
		err = g.part(w, part)
		if cerr := w.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return Summary{}, fmt.Errorf("generate export: %s: %w", name, err)
		}
	}
	return g.sum, nil
}

// WriteDir writes an export into a directory and returns the paths of its
// parts.
func WriteDir(dir string, o Options) ([]string, Summary, error) {
	var paths []string
	sum, err := Generate(o, func(name string) (io.WriteCloser, error) {
		paths = append(paths, filepath.Join(dir, name))
		return os.Create(paths[len(paths)-1])
	})
	return paths, sum, err
}

// Part is one file of an export in memory.
type Part struct {
	Name string
	Data []byte
}

// Parts writes an export into memory.
func Parts(o Options) ([]Part, Summary, error) {
	var buffers []*memory
	sum, err := Generate(o, func(string) (io.WriteCloser, error) {
		buffers = append(buffers, &memory{})
		return buffers[len(buffers)-1], nil
	})
	if err != nil {
		return nil, sum, err
	}
	parts := make([]Part, len(buffers))
	for i, b := range buffers {
		parts[i] = Part{sum.Files[i], b.Bytes()}
	}
	return parts, sum, nil
}

type memory struct{ bytes.Buffer }

func (*memory) Close() error { return nil }

// PartName is the name of a part, counted from 1: WE_<organization>_<part>.ZIP.
func PartName(orgID string, part int) string { return fmt.Sprintf("WE_%s_%d.ZIP", orgID, part) }

// modified is the time of every entry, fixed so that the bytes are.
var modified = time.Date(2026, time.February, 28, 4, 30, 0, 0, time.UTC)

type entry struct {
	name   string
	header []string
	rows   int             // of the whole export; the part writes its share
	row    func(*row, int) // nil for header only
	whole  bool            // in the first part only
}

func (g *generator) entries() []entry {
	accounts := accountHeader[:usualColumns:usualColumns]
	for i := range g.o.Columns - usualColumns {
		accounts = append(accounts, fmt.Sprintf("Custom_%d__c", i+1))
	}
	list := []entry{
		{name: "Account", header: accounts, rows: g.o.Accounts, row: g.account},
		{name: "Contact", header: contactHeader, rows: g.o.Contacts, row: g.contact},
		{name: "Opportunity", header: opportunityHeader, rows: g.o.Opportunities, row: g.opportunity},
		// Decoys: their names begin like those of the objects above.
		{name: "AccountContactRole", header: []string{"Id", "IsDeleted", "AccountId", "ContactId", "Role"},
			rows: min(g.o.Accounts, g.o.Contacts, 20), row: func(r *row, i int) {
				r.id("02Z", i)
				r.flag(false)
				r.id(accountPrefix, i)
				r.id(contactPrefix, i)
				r.join("Decision Maker")
				r.end()
			}, whole: true},
		{name: "OpportunityContactRole", header: []string{"Id", "OpportunityId", "ContactId", "Role", "IsPrimary"},
			rows: min(g.o.Opportunities, g.o.Contacts, 20), row: func(r *row, i int) {
				r.id("00K", i)
				r.id(opportunityPrefix, i)
				r.id(contactPrefix, i)
				r.join("Evaluator")
				r.flag(true)
				r.end()
			}, whole: true},
		{name: "OpportunityHistory", header: []string{"Id", "OpportunityId", "CreatedDate", "StageName", "Amount"},
			rows: min(g.o.Opportunities, 20), row: func(r *row, i int) {
				r.id("008", i)
				r.id(opportunityPrefix, i)
				r.stamp(epoch)
				r.join(stages[0].name)
				r.empty()
				r.end()
			}, whole: true},
	}
	for _, name := range headerOnly {
		list = append(list, entry{name: name, header: []string{"Id", "IsDeleted", "Name", "CreatedDate", "SystemModstamp"}, whole: true})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list
}

func (g *generator) part(w io.Writer, part int) error {
	zw := zip.NewWriter(w)
	zw.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, g.o.Level) })
	for _, e := range g.entries() {
		if e.whole && part > 0 {
			continue
		}
		from, to := 0, e.rows
		if !e.whole {
			from, to = e.rows*part/g.o.Parts, e.rows*(part+1)/g.o.Parts
		}
		fw, err := zw.CreateHeader(&zip.FileHeader{Name: e.name + ".csv", Method: zip.Deflate, Modified: modified})
		if err != nil {
			return err
		}
		if err := g.csv(fw, e, from, to); err != nil {
			return fmt.Errorf("%s.csv: %w", e.name, err)
		}
	}
	if g.o.Quirks && part == g.o.Parts-1 {
		fw, err := zw.CreateHeader(&zip.FileHeader{Name: "ContentVersion/" + ID("068", 1), Method: zip.Deflate, Modified: modified})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(fw, "%PDF-1.4\n\x00\xff binary content, no CSV\n"); err != nil {
			return err
		}
	}
	return zw.Close()
}

// csv writes rows from up to below to.
func (g *generator) csv(w io.Writer, e entry, from, to int) error {
	out, err := encoder(g.o.Encoding, w)
	if err != nil {
		return err
	}
	r := &row{style: g.o.Dates, b: make([]byte, 0, 68<<10)}
	r.header(e.header)
	for i := from; i < to; i++ {
		e.row(r, i)
		if !e.whole {
			g.count(e.name, i)
		}
		if len(r.b) > 64<<10 {
			if _, err := out.Write(r.b); err != nil {
				return err
			}
			r.b = r.b[:0]
		}
	}
	if _, err := out.Write(r.b); err != nil {
		return err
	}
	if c, ok := out.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (g *generator) count(object string, i int) {
	g.sum.Rows[object]++
	if g.deleted(i) {
		g.sum.Deleted[object]++
	}
	if object != "Account" && g.dangling(i) {
		g.sum.Dangling[object]++
	}
}

func encoder(name string, w io.Writer) (io.Writer, error) {
	var e encoding.Encoding
	switch name {
	case "utf-8":
		return w, nil
	case "utf-8-bom":
		_, err := io.WriteString(w, "\ufeff")
		return w, err
	case "windows-1252":
		e = charmap.Windows1252
	case "utf-16le":
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case "utf-16be":
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	default:
		return nil, fmt.Errorf("unknown encoding %q", name)
	}
	return e.NewEncoder().Writer(w), nil
}
