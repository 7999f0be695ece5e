package local

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// maxCells is how many cells a table may have, those that its cells cover included.
const maxCells = 1_000_000

// A htmlTable is what has to be known of a table before it is written.
type htmlTable struct {
	node   *html.Node
	rows   [][]*html.Node // its cells
	layout bool           // it holds tables or headings, or stands inside of a letter's element
	lists  []*html.Node   // what no row of Markdown has: lists, lines, quotations
}

// maxIndent is how deep lists and quotations stand inside each other: each writes all
// that is in it once more.
const maxIndent = 40

// tameTables makes tables such that they can be written as Markdown. The library writes
// the cells of those that it cannot without anything between them, and takes a cell at
// its word when it says that it covers a billion others. Here what stands for a layout
// becomes blocks, lists in a cell become lines, and cells cover others that are there.
// Lists and quotations that stand too deep inside each other become blocks, too.
func tameTables(root *html.Node) {
	var all []*htmlTable
	var walk func(n *html.Node, t *htmlTable, letters bool, depth int)
	walk = func(n *html.Node, t *htmlTable, letters bool, depth int) {
		for c := range n.ChildNodes() {
			if c.Type != html.ElementNode {
				continue
			}
			inner, inLetters, in := t, letters, depth
			switch c.Data {
			case "table":
				inner = &htmlTable{node: c, layout: letters || attribute(c, "role") == "presentation"}
				all = append(all, inner)
				if t != nil {
					t.layout = true
				}
			case "tr":
				if t != nil {
					t.rows = append(t.rows, nil)
				}
			case "td", "th":
				if t != nil && len(t.rows) > 0 {
					t.rows[len(t.rows)-1] = append(t.rows[len(t.rows)-1], c)
				}
			case "h1", "h2", "h3", "h4", "h5", "h6":
				if t != nil {
					t.layout = true
				}
			case "ul", "ol", "li", "hr", "blockquote":
				if t != nil {
					t.lists = append(t.lists, c)
				}
				if in++; in > maxIndent {
					c.Data, c.DataAtom = "div", 0
				}
			case "a", "strong", "b", "em", "i", "del", "s", "strike":
				inLetters = true
			}
			walk(c, inner, inLetters, in)
		}
	}
	walk(root, nil, false, 0)
	for _, t := range all {
		t.tame()
	}
}

func (t *htmlTable) tame() {
	most := 0 // cells of a row
	for _, row := range t.rows {
		most = max(most, len(row))
	}
	width, covered := 0, 0
	for i, row := range t.rows {
		columns := 0
		for _, cell := range row {
			across, down := covers(cell, "colspan", most), covers(cell, "rowspan", len(t.rows)-i)
			columns += across
			covered += across * down
		}
		width = max(width, columns)
	}
	if t.layout || len(t.lists) > 0 && (len(t.rows) < 2 || most < 2) || width*len(t.rows) > maxCells || covered > maxCells {
		blocks(t.node)
		return
	}
	for _, n := range t.lists {
		n.Data, n.DataAtom = "div", 0
	}
}

// covers reads how many cells one covers, and writes a sound number in its place.
func covers(n *html.Node, name string, most int) int {
	at := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
	if at < 0 {
		return 1
	}
	size, err := strconv.Atoi(strings.TrimSpace(n.Attr[at].Val))
	if err != nil {
		size = 1
	}
	size = min(max(size, 1), max(most, 1))
	n.Attr[at].Val = strconv.Itoa(size)
	return size
}

// blocks makes blocks of the parts of a table, but not of the tables in it.
func blocks(n *html.Node) {
	n.Data, n.DataAtom = "div", 0
	for c := range n.ChildNodes() {
		switch c.Data {
		case "tbody", "thead", "tfoot", "tr", "td", "th", "caption":
			if c.Type == html.ElementNode {
				blocks(c)
			}
		}
	}
}
