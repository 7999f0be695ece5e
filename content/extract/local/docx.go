package local

import (
	"context"
	"encoding/xml"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/curatore/curatore-go/content/extract"
)

// A wordDocument is a DOCX that is being read. Text that was deleted while
// changes are tracked, and instructions of fields, are not in its text.
type wordDocument struct {
	*archive
	ctx       context.Context
	x         *xmlReader // of the file at work
	relations map[string]relation
	headings  map[string]int       // style id -> level
	listed    map[string]listItem  // style id -> list
	numbering map[string]*numbered // number id -> how
	counters  map[string]*[9]int   // by the definition that lists share
	notes     map[string]string    // "footnote 3" -> text
	noted     []string             // those that the text refers to, in order

	out   *strings.Builder
	page  int  // at work, from 1
	paged bool // pages were seen
	fresh bool // a page break has just been, with no text behind it
	item  bool // the last block is an item of a list
	in    int  // tables and text boxes around
}

// numbers is how a level of a list is numbered.
type numbers struct {
	bullet bool
	start  int
}

// A numbered is a list: lists of one definition go on counting where the other has
// ended, unless they say where they begin.
type numbered struct {
	definition string
	levels     []numbers
	begins     map[int]int // level -> its first number; each counts once
}

// A listItem is where a paragraph stands in a list.
type listItem struct {
	list   string
	indent int
}

func readDOCX(ctx context.Context, r *reading) error {
	a, err := r.open()
	if err != nil {
		return err
	}
	main, err := a.main(ctx, "word/document.xml")
	if err != nil {
		return err
	}
	w := &wordDocument{archive: a, ctx: ctx, headings: map[string]int{}, listed: map[string]listItem{}, numbering: map[string]*numbered{}, counters: map[string]*[9]int{},
		notes: map[string]string{}, out: &strings.Builder{}, page: 1}
	if err := a.properties(ctx); err != nil {
		return err
	}
	if err := w.readStyles(path.Dir(main) + "/styles.xml"); err != nil {
		return err
	}
	if err := w.readNumbering(path.Dir(main) + "/numbering.xml"); err != nil {
		return err
	}
	for _, kind := range []string{"footnote", "endnote", "comment"} {
		if err := w.readNotes(path.Dir(main)+"/"+kind+"s.xml", kind); err != nil {
			return err
		}
	}
	if w.relations, err = a.relations(ctx, main); err != nil {
		return err
	}
	if err := w.file(main, func(x *xmlReader, e xml.StartElement) error {
		if e.Name.Local == "body" {
			return x.each(w.block, nil)
		}
		return x.skip()
	}); err != nil {
		return err
	}
	for _, n := range w.noted {
		w.write("[^"+strings.ReplaceAll(n, " ", "-")+"]: "+w.notes[n], false)
	}
	if err := w.margins(); err != nil {
		return err
	}
	w.endPage()
	if !w.paged && len(w.result.Parts) == 1 {
		w.result.Parts[0].Kind, w.result.Parts[0].Number = extract.Body, 0
	}
	return nil
}

// file reads a file of the document, whose elements the others of this type get.
func (w *wordDocument) file(name string, do func(x *xmlReader, e xml.StartElement) error) error {
	return w.each(w.ctx, name, func(x *xmlReader, e xml.StartElement) error {
		w.x = x
		return do(x, e)
	})
}

// endPage ends the part of a page.
func (w *wordDocument) endPage() {
	if text := strings.TrimSpace(w.out.String()); text != "" {
		w.add(extract.Page, w.page, "", text)
	}
	w.out.Reset()
}

// margins writes the lines of headers and footers behind the text, each once.
func (w *wordDocument) margins() error {
	var names []string
	for _, r := range w.relations {
		if r.kind == "header" || r.kind == "footer" {
			names = append(names, r.target)
		}
	}
	slices.Sort(names)
	var lines []string
	for _, name := range slices.Compact(names) {
		text, err := w.apart(func() error { return w.file(name, func(_ *xmlReader, e xml.StartElement) error { return w.block(e) }) })
		if err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); strings.ContainsFunc(line, isLetter) && !slices.Contains(lines, line) && len(lines) < 100 {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) > 0 {
		w.write("Headers and footers:\n"+strings.Join(lines, "\n"), false)
	}
	return nil
}

// block reads what stands in a body, a cell or a text box.
func (w *wordDocument) block(e xml.StartElement) error {
	switch e.Name.Local {
	case "p":
		return w.paragraph()
	case "tbl":
		return w.table()
	case "del", "moveFrom", "sectPr", "Fallback":
		return w.x.skip()
	}
	return w.x.each(w.block, nil)
}

// A paragraph that is being read.
type paragraph struct {
	*wordDocument
	b       strings.Builder
	level   int // of a heading
	list    string
	indent  int
	boxes   []string
	turns   int  // pages that begin in it
	turnsAt bool // the first does so before any text of it
}

func (w *wordDocument) paragraph() error {
	p := &paragraph{wordDocument: w}
	if err := w.x.each(p.inline, nil); err != nil {
		return err
	}
	text := strings.TrimSpace(p.b.String())
	if w.in == 0 && p.turns > 0 && p.turnsAt {
		w.turn(p.turns)
		p.turns = 0
	}
	switch {
	case text == "":
	case p.level > 0:
		text = strings.Repeat("#", min(p.level, 6)) + " " + strings.Join(strings.Fields(text), " ")
	case p.list != "":
		text = strings.Repeat("   ", p.indent) + w.marker(p.list, p.indent) + strings.ReplaceAll(text, "\n", "\n"+strings.Repeat("   ", p.indent+1))
	}
	if text != "" {
		w.write(text, p.list != "" && p.level == 0)
	}
	for _, box := range p.boxes {
		w.write(box, false)
	}
	if w.in == 0 {
		w.turn(p.turns)
	}
	if int64(w.out.Len()) > w.limits.TextBytes*2 {
		return fmt.Errorf("%w: more than %d bytes of text on a page", extract.ErrTooLarge, w.limits.TextBytes*2)
	}
	return nil
}

// write adds a block. Items of one list stand without an empty line between them.
func (w *wordDocument) write(text string, item bool) {
	switch {
	case w.out.Len() == 0:
	case item && w.item:
		w.out.WriteString("\n")
	default:
		w.out.WriteString("\n\n")
	}
	w.out.WriteString(text)
	w.item, w.fresh = item, false
}

// turn begins a page, n times.
func (w *wordDocument) turn(n int) {
	if n == 0 {
		return
	}
	w.endPage()
	w.page += n
	w.paged = true
}

// marker writes what stands before an item of a list.
func (w *wordDocument) marker(list string, level int) string {
	n := w.numbering[list]
	if n == nil || level >= len(n.levels) || n.levels[level].bullet {
		return "- "
	}
	c := w.counters[n.definition]
	if c == nil {
		c = &[9]int{}
		w.counters[n.definition] = c
	}
	if first, begins := n.begins[level]; begins {
		c[level] = first
		delete(n.begins, level)
	} else if c[level] == 0 {
		c[level] = n.levels[level].start
	} else {
		c[level]++
	}
	for i := level + 1; i < len(c); i++ {
		c[i] = 0
	}
	return strconv.Itoa(c[level]) + ". "
}

// inline reads what stands in a paragraph.
func (p *paragraph) inline(e xml.StartElement) error {
	x := p.x
	switch e.Name.Local {
	case "pPr":
		return x.each(p.property, nil)
	case "t":
		return x.each(func(xml.StartElement) error { return x.skip() }, func(s string) { p.b.WriteString(s) })
	case "tab", "ptab":
		p.b.WriteString(" ")
	case "cr":
		p.b.WriteString("\n")
	case "br":
		if attr(e, "type") == "page" {
			p.pageBreak(true)
		} else {
			p.b.WriteString("\n")
		}
	case "lastRenderedPageBreak":
		p.pageBreak(false)
	case "noBreakHyphen":
		p.b.WriteString("-")
	case "sym":
		if n, err := strconv.ParseUint(attr(e, "char"), 16, 32); err == nil && n < 0xf000 {
			p.b.WriteRune(rune(n))
		}
	case "footnoteReference", "endnoteReference", "commentReference":
		name := strings.TrimSuffix(e.Name.Local, "Reference") + " " + attr(e, "id")
		if _, ok := p.notes[name]; ok {
			p.b.WriteString("[^" + strings.ReplaceAll(name, " ", "-") + "]")
			if !slices.Contains(p.noted, name) {
				p.noted = append(p.noted, name)
			}
		}
	case "hyperlink":
		begin := p.b.Len()
		if err := x.each(p.inline, nil); err != nil {
			return err
		}
		p.link(begin, p.relations[attr(e, "id")].target)
		return nil
	case "txbxContent":
		return p.box()
	case "rPr", "del", "moveFrom", "instrText", "delText", "Fallback", "sdtPr", "sdtEndPr", "fldData", "rt":
		return x.skip()
	default:
		return x.each(p.inline, nil)
	}
	return x.skip()
}

// pageBreak notes that a page begins here. Word writes where it has broken a
// page last, and behind a break that the author set it does so again.
func (p *paragraph) pageBreak(set bool) {
	if !set && p.fresh {
		p.fresh = false
		return
	}
	if strings.TrimSpace(p.b.String()) == "" && p.turns == 0 {
		p.turnsAt = true
	}
	p.turns++
	p.fresh = set
}

// link writes the text from begin on as a link.
func (p *paragraph) link(begin int, target string) {
	text := p.b.String()[begin:]
	if !strings.HasPrefix(target, "http") && !strings.HasPrefix(target, "mailto:") || strings.TrimSpace(text) == "" || strings.ContainsAny(target, " )\n") || text == target {
		return
	}
	before := p.b.String()[:begin]
	p.b.Reset()
	p.b.WriteString(before + "[" + strings.ReplaceAll(text, "\n", " ") + "](" + target + ")")
}

// box reads the text of a text box, which stands behind its paragraph.
func (p *paragraph) box() error {
	text, err := p.apart(func() error { return p.x.each(p.block, nil) })
	if text != "" {
		p.boxes = append(p.boxes, text)
	}
	return err
}

// apart reads blocks into a text of their own.
func (w *wordDocument) apart(read func() error) (string, error) {
	outer, item := w.out, w.item
	w.out = &strings.Builder{}
	w.in++
	err := read()
	text := strings.TrimSpace(w.out.String())
	w.in--
	w.out, w.item = outer, item
	return text, err
}

// property reads what a paragraph is.
func (p *paragraph) property(e xml.StartElement) error {
	switch e.Name.Local {
	case "pStyle":
		style := attr(e, "val")
		p.level = p.headings[style]
		if at := p.listed[style]; p.list == "" {
			p.list, p.indent = at.list, at.indent
		}
	case "outlineLvl":
		if n, err := strconv.Atoi(attr(e, "val")); err == nil && n >= 0 && n < 9 {
			p.level = n + 1
		}
	case "numPr":
		return p.x.item(&p.list, &p.indent)
	}
	return p.x.skip()
}

// item reads where something stands in a list. The list 0 is none.
func (x *xmlReader) item(list *string, indent *int) error {
	return x.each(func(e xml.StartElement) error {
		switch n, _ := strconv.Atoi(attr(e, "val")); e.Name.Local {
		case "ilvl":
			*indent = min(max(n, 0), 8)
		case "numId":
			if *list = ""; n > 0 {
				*list = strconv.Itoa(n)
			}
		}
		return x.skip()
	}, nil)
}

// table reads a table; one inside a cell becomes lines of its text.
func (w *wordDocument) table() error {
	var t grid
	text, err := w.apart(func() error { return w.x.each(func(e xml.StartElement) error { return w.row(e, &t) }, nil) })
	if err != nil {
		return err
	}
	if t.bytes > w.limits.TextBytes*2 {
		return fmt.Errorf("%w: a table of more than %d bytes of text", extract.ErrTooLarge, w.limits.TextBytes*2)
	}
	written := ""
	if w.in > 0 {
		written = t.lines()
	} else {
		written = t.String()
	}
	if s := strings.TrimSpace(written + "\n" + text); s != "" {
		w.write(s, false)
	}
	return nil
}

func (w *wordDocument) row(e xml.StartElement, t *grid) error {
	switch e.Name.Local {
	case "tr":
		var cells []string
		var cell func(e xml.StartElement) error
		cell = func(e xml.StartElement) error {
			switch e.Name.Local {
			case "tc":
				text, err := w.apart(func() error { return w.x.each(w.block, nil) })
				cells = append(cells, text)
				return err
			case "del", "trPr", "tblPrEx", "Fallback":
				return w.x.skip()
			}
			return w.x.each(cell, nil) // such as sdt around a cell
		}
		err := w.x.each(cell, nil)
		t.add(cells)
		return err
	case "tblPr", "tblGrid", "del", "Fallback":
		return w.x.skip()
	}
	return w.x.each(func(e xml.StartElement) error { return w.row(e, t) }, nil)
}

var headingName = regexp.MustCompile(`(?i)^heading ([1-9])$`)

// readStyles finds the styles that are headings: by their name, which Word does
// not translate in the file, their outline level, or the style they build on.
func (w *wordDocument) readStyles(name string) error {
	based := map[string]string{}
	if err := w.file(name, func(x *xmlReader, e xml.StartElement) error {
		id := attr(e, "styleId")
		if e.Name.Local != "style" || attr(e, "type") != "paragraph" {
			return x.skip()
		}
		return x.each(func(e xml.StartElement) error {
			switch e.Name.Local {
			case "name":
				if m := headingName.FindStringSubmatch(attr(e, "val")); m != nil {
					w.headings[id] = int(m[1][0] - '0')
				} else if strings.EqualFold(attr(e, "val"), "title") {
					w.headings[id] = 1
				}
			case "basedOn":
				based[id] = attr(e, "val")
			case "pPr":
				return x.each(func(e xml.StartElement) error {
					if e.Name.Local == "numPr" {
						var at listItem
						err := x.item(&at.list, &at.indent)
						w.listed[id] = at
						return err
					}
					if n, err := strconv.Atoi(attr(e, "val")); e.Name.Local == "outlineLvl" && err == nil && n >= 0 && n < 9 {
						w.headings[id] = n + 1
					}
					return x.skip()
				}, nil)
			}
			return x.skip()
		}, nil)
	}); err != nil {
		return err
	}
	for id := range based {
		at := id
		for range 10 {
			if w.headings[id] == 0 && w.headings[at] > 0 {
				w.headings[id] = w.headings[at]
			}
			if _, own := w.listed[id]; !own && w.listed[at].list != "" {
				w.listed[id] = w.listed[at]
			}
			at = based[at]
		}
	}
	return nil
}

// readNumbering reads how lists are numbered.
func (w *wordDocument) readNumbering(name string) error {
	abstract := map[string][]numbers{}
	return w.file(name, func(x *xmlReader, e xml.StartElement) error {
		id := attr(e, "abstractNumId")
		switch e.Name.Local {
		case "abstractNum":
			return x.each(func(e xml.StartElement) error {
				if e.Name.Local != "lvl" || len(abstract[id]) >= 9 {
					return x.skip()
				}
				n := numbers{start: 1}
				err := x.each(func(e xml.StartElement) error {
					switch e.Name.Local {
					case "numFmt":
						n.bullet = attr(e, "val") == "bullet" || attr(e, "val") == "none"
					case "start":
						if s, err := strconv.Atoi(attr(e, "val")); err == nil && s > 0 && s < 1_000_000 {
							n.start = s
						}
					}
					return x.skip()
				}, nil)
				abstract[id] = append(abstract[id], n)
				return err
			}, nil)
		case "num":
			n := &numbered{begins: map[int]int{}}
			w.numbering[attr(e, "numId")] = n
			return x.each(func(e xml.StartElement) error {
				switch e.Name.Local {
				case "abstractNumId":
					n.definition = attr(e, "val")
					n.levels = abstract[n.definition]
				case "lvlOverride":
					level, err := strconv.Atoi(attr(e, "ilvl"))
					return x.each(func(e xml.StartElement) error {
						if first, wrong := strconv.Atoi(attr(e, "val")); e.Name.Local == "startOverride" && err == nil && wrong == nil && first >= 0 && first < 1_000_000 {
							n.begins[level] = first
						}
						return x.skip()
					}, nil)
				}
				return x.skip()
			}, nil)
		}
		return x.skip()
	})
}

// readNotes reads the footnotes, the endnotes or the comments, with their authors.
func (w *wordDocument) readNotes(name, kind string) (err error) {
	if w.relations, err = w.archive.relations(w.ctx, name); err != nil {
		return err
	}
	return w.file(name, func(x *xmlReader, e xml.StartElement) error {
		if t := attr(e, "type"); t != "" && t != "normal" {
			return x.skip()
		}
		text, err := w.apart(func() error { return x.each(w.block, nil) })
		if text = strings.Join(strings.Fields(text), " "); text == "" {
			return err
		}
		if author := attr(e, "author"); author != "" {
			text = author + ": " + text
		}
		w.notes[kind+" "+attr(e, "id")] = text
		return err
	})
}
