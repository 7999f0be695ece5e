package local

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/curatore/curatore-go/content/extract"
)

func isLetter(r rune) bool { return unicode.IsLetter(r) }

// readPPTX reads the slides in the order in which they are shown, each with its
// notes.
func readPPTX(ctx context.Context, r *reading) error {
	a, err := r.open()
	if err != nil {
		return err
	}
	if err := a.properties(ctx); err != nil {
		return err
	}
	presentation, err := a.main(ctx, "ppt/presentation.xml")
	if err != nil {
		return err
	}
	relations, err := a.relations(ctx, presentation)
	if err != nil {
		return err
	}
	var slides []string
	if err := a.each(ctx, presentation, func(x *xmlReader, e xml.StartElement) error {
		if e.Name.Local != "sldIdLst" {
			return x.skip()
		}
		return x.each(func(e xml.StartElement) error {
			for _, at := range e.Attr { // there is an "id" without a namespace too
				if at.Name.Local == "id" && relations[at.Value].kind == "slide" {
					slides = append(slides, relations[at.Value].target)
				}
			}
			return x.skip()
		}, nil)
	}); err != nil {
		return err
	}
	for i, name := range slides {
		if i == r.limits.Pages {
			r.note("only the first %d of %d slides were read", i, len(slides))
			break
		}
		text, err := a.slide(ctx, name)
		if err != nil {
			return err
		}
		r.add(extract.Slide, i+1, "", text)
	}
	r.metadata["slides"] = strconv.Itoa(len(slides))
	return nil
}

// A slide that is being read.
type slide struct {
	*archive
	x      *xmlReader
	title  string
	blocks []string
	notes  bool // it is the page of notes
}

func (a *archive) slide(ctx context.Context, name string) (string, error) {
	s := &slide{archive: a}
	if err := s.file(ctx, name); err != nil {
		return "", err
	}
	relations, err := a.relations(ctx, name)
	if err != nil {
		return "", err
	}
	targets := make([]relation, 0, len(relations))
	for _, r := range relations {
		targets = append(targets, r)
	}
	slices.SortFunc(targets, func(a, b relation) int { return cmp.Compare(a.target, b.target) })
	for _, r := range targets {
		switch r.kind {
		case "diagramData":
			var lines []string
			if err := a.each(ctx, r.target, func(x *xmlReader, e xml.StartElement) error {
				d := &slide{archive: a, x: x}
				err := d.diagram(e)
				lines = append(lines, d.blocks...)
				return err
			}); err != nil {
				return "", err
			}
			s.blocks = append(s.blocks, lines...)
		case "notesSlide":
			n := &slide{archive: a, notes: true}
			if err := n.file(ctx, r.target); err != nil {
				return "", err
			}
			if text := strings.Join(n.blocks, "\n\n"); text != "" {
				s.blocks = append(s.blocks, "Notes:", text)
			}
		}
	}
	if s.title != "" {
		s.blocks = slices.Insert(s.blocks, 0, "# "+s.title)
	}
	return strings.Join(s.blocks, "\n\n"), nil
}

func (s *slide) file(ctx context.Context, name string) error {
	return s.each(ctx, name, func(x *xmlReader, e xml.StartElement) error {
		s.x = x
		return s.shape(e)
	})
}

// shape reads the shapes, wherever they stand.
func (s *slide) shape(e xml.StartElement) error {
	switch e.Name.Local {
	case "sp":
		return s.box()
	case "tbl":
		var t grid
		err := s.x.each(func(e xml.StartElement) error {
			if e.Name.Local != "tr" {
				return s.x.skip()
			}
			var cells []string
			err := s.x.each(func(e xml.StartElement) error {
				if e.Name.Local != "tc" {
					return s.x.skip()
				}
				b := &bodyText{x: s.x}
				err := s.x.each(b.element, nil)
				cells = append(cells, strings.Join(b.plain(), "\n"))
				return err
			}, nil)
			t.add(cells)
			return err
		}, nil)
		if t.bytes > s.limits.TextBytes {
			return fmt.Errorf("%w: a table of more than %d bytes of text", extract.ErrTooLarge, s.limits.TextBytes)
		}
		if text := strings.TrimSpace(t.String()); text != "" {
			s.blocks = append(s.blocks, text)
		}
		return err
	case "Fallback", "extLst", "timing", "transition":
		return s.x.skip()
	}
	return s.x.each(s.shape, nil)
}

// box reads a shape with text. Numbers of slides and dates are left out.
func (s *slide) box() error {
	kind := ""
	b := &bodyText{x: s.x}
	var inside func(e xml.StartElement) error
	inside = func(e xml.StartElement) error {
		switch e.Name.Local {
		case "ph":
			kind = cmp.Or(attr(e, "type"), "obj")
			return s.x.skip()
		case "txBody":
			return s.x.each(b.element, nil)
		case "spPr", "style", "extLst":
			return s.x.skip()
		}
		return s.x.each(inside, nil)
	}
	if err := s.x.each(inside, nil); err != nil {
		return err
	}
	text := ""
	switch kind {
	case "sldNum", "dt", "sldImg":
	case "title", "ctrTitle":
		if s.title == "" {
			s.title = strings.Join(strings.Fields(strings.Join(b.plain(), " ")), " ")
			break
		}
		text = strings.Join(b.plain(), "\n\n")
	case "body", "obj":
		if s.notes {
			text = strings.Join(b.plain(), "\n\n")
		} else {
			text = b.list()
		}
	default:
		text = strings.Join(b.plain(), "\n\n")
	}
	if text = strings.TrimSpace(text); text != "" {
		s.blocks = append(s.blocks, text)
	}
	return nil
}

// diagram reads the texts of a diagram.
func (s *slide) diagram(e xml.StartElement) error {
	if e.Name.Local == "t" {
		b := &bodyText{x: s.x}
		err := s.x.each(b.element, nil)
		if text := strings.Join(b.plain(), " "); text != "" {
			s.blocks = append(s.blocks, text)
		}
		return err
	}
	return s.x.each(s.diagram, nil)
}

// bodyText reads paragraphs of DrawingML.
type bodyText struct {
	x      *xmlReader
	lines  []string
	levels []int // -1: without a bullet
	b      strings.Builder
}

func (b *bodyText) element(e xml.StartElement) error {
	switch e.Name.Local {
	case "p":
		b.b.Reset()
		b.levels = append(b.levels, 0)
		err := b.x.each(b.element, nil)
		b.lines = append(b.lines, strings.TrimSpace(b.b.String()))
		return err
	case "pPr":
		if n, err := strconv.Atoi(attr(e, "lvl")); err == nil && len(b.levels) > 0 {
			b.levels[len(b.levels)-1] = min(max(n, 0), 8)
		}
		return b.x.each(func(e xml.StartElement) error {
			if e.Name.Local == "buNone" && len(b.levels) > 0 {
				b.levels[len(b.levels)-1] = -1
			}
			return b.x.skip()
		}, nil)
	case "br":
		b.b.WriteString("\n")
	case "t":
		return b.x.each(func(xml.StartElement) error { return b.x.skip() }, func(s string) { b.b.WriteString(s) })
	case "rPr", "endParaRPr", "bodyPr", "lstStyle", "Fallback", "extLst", "tcPr":
		return b.x.skip()
	default:
		return b.x.each(b.element, nil)
	}
	return b.x.skip()
}

// plain returns the lines with text.
func (b *bodyText) plain() (lines []string) {
	for _, l := range b.lines {
		if l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// list returns the lines as items, or one line as itself.
func (b *bodyText) list() string {
	lines := b.plain()
	if len(lines) < 2 {
		return strings.Join(lines, "")
	}
	var out strings.Builder
	for i, l := range b.lines {
		switch {
		case l == "":
		case b.levels[i] < 0:
			out.WriteString(l + "\n\n")
		default:
			out.WriteString(strings.Repeat("  ", b.levels[i]) + "- " + strings.ReplaceAll(l, "\n", " ") + "\n")
		}
	}
	return out.String()
}
