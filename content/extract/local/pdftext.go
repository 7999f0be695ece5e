package local

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ledongthuc/pdf"
)

// maxOperations bounds what is drawn on one page.
const maxOperations = 2_000_000

// maxForms is how deep drawings may stand inside each other.
const maxForms = 8

// A matrix is a, b, c, d, e, f of the PDF reference, 8.3.3.
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

// times is m followed by n.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// A span is a text that was shown at once.
type span struct {
	x, y, end float64 // on the page; where it begins and where it ends
	size      float64 // of the letters
	text      string
}

// pdfText follows what a page draws, and keeps the texts with their places.
type pdfText struct {
	ctx        context.Context
	fonts      map[string]*pdfFont
	ctm        matrix
	tm, line   matrix
	font       *pdfFont
	size       float64
	charSpace  float64
	wordSpace  float64
	scale      float64
	leading    float64
	rise       float64
	stack      []pdfText
	spans      []span
	images     int
	operations int
	letters    int
}

var errOperations = errors.New("it draws too much")

// read draws a page. A panic of the library ends it; what was drawn stays.
func (t *pdfText) read(p pdfPage) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if e, ok := v.(error); ok && errors.Is(e, errOperations) {
				err = e
				return
			}
			err = fmt.Errorf("%.200v", v)
		}
	}()
	t.scale = 1
	if contents := p.page.Key("Contents"); contents.Kind() != pdf.Null {
		t.draw(contents, p.resources, 0)
	}
	t.annotations(p.page.Key("Annots"))
	return nil
}

// draw follows one stream of operations.
func (t *pdfText) draw(content, resources pdf.Value, depth int) {
	fonts := map[string]*pdfFont{} // by their names here
	pdf.Interpret(content, func(stk *pdf.Stack, op string) {
		if t.operations--; t.operations < 0 || t.ctx.Err() != nil {
			panic(errOperations)
		}
		args := make([]pdf.Value, stk.Len())
		for i := len(args) - 1; i >= 0; i-- {
			args[i] = stk.Pop()
		}
		number := func(i int) float64 {
			if i < len(args) {
				return args[i].Float64()
			}
			return 0
		}
		switch op {
		case "q":
			if len(t.stack) < 1000 {
				saved := *t
				saved.spans, saved.stack = nil, nil
				t.stack = append(t.stack, saved)
			}
		case "Q":
			if n := len(t.stack) - 1; n >= 0 {
				saved := t.stack[n]
				saved.spans, saved.stack, saved.images, saved.operations, saved.letters = t.spans, t.stack[:n], t.images, t.operations, t.letters
				*t = saved
			}
		case "cm":
			if len(args) == 6 {
				t.ctm = matrix{number(0), number(1), number(2), number(3), number(4), number(5)}.times(t.ctm)
			}
		case "BT":
			t.tm, t.line = identity, identity
		case "Tm":
			if len(args) == 6 {
				t.tm = matrix{number(0), number(1), number(2), number(3), number(4), number(5)}
				t.line = t.tm
			}
		case "TD":
			t.leading = -number(1)
			t.move(number(0), number(1))
		case "Td":
			t.move(number(0), number(1))
		case "T*":
			t.move(0, -t.leading)
		case "Tc":
			t.charSpace = number(0)
		case "Tw":
			t.wordSpace = number(0)
		case "Tz":
			t.scale = number(0) / 100
		case "TL":
			t.leading = number(0)
		case "Ts":
			t.rise = number(0)
		case "Tf":
			if len(args) == 2 {
				name := args[0].Name()
				if _, known := fonts[name]; !known {
					fonts[name] = t.fontOf(resources.Key("Font").Key(name))
				}
				t.font, t.size = fonts[name], number(1)
			}
		case "Tj":
			if len(args) > 0 {
				t.show(args[len(args)-1].RawString())
			}
		case "'", "\"":
			if op == "\"" && len(args) == 3 {
				t.wordSpace, t.charSpace = number(0), number(1)
			}
			t.move(0, -t.leading)
			if len(args) > 0 {
				t.show(args[len(args)-1].RawString())
			}
		case "TJ":
			if len(args) == 0 {
				break
			}
			for i := range args[0].Len() {
				if v := args[0].Index(i); v.Kind() == pdf.String {
					t.show(v.RawString())
				} else {
					t.tm = matrix{1, 0, 0, 1, -v.Float64() / 1000 * t.size * t.scale, 0}.times(t.tm)
				}
			}
		case "Do":
			if len(args) > 0 {
				t.object(resources.Key("XObject").Key(args[0].Name()), resources, depth)
			}
		case "BI":
			t.images++
		}
	})
}

func (t *pdfText) move(x, y float64) {
	t.line = matrix{1, 0, 0, 1, x, y}.times(t.line)
	t.tm = t.line
}

// object draws a picture, or a drawing that stands by itself.
func (t *pdfText) object(v, resources pdf.Value, depth int) {
	switch v.Key("Subtype").Name() {
	case "Image":
		t.images++
	case "Form":
		if depth >= maxForms {
			return
		}
		if own := v.Key("Resources"); own.Kind() == pdf.Dict {
			resources = own
		}
		ctm := t.ctm
		if m := v.Key("Matrix"); m.Len() == 6 {
			var own matrix
			for i := range own {
				own[i] = m.Index(i).Float64()
			}
			t.ctm = own.times(t.ctm)
		}
		t.draw(v, resources, depth+1)
		t.ctm = ctm
	}
}

// show keeps a text and moves on behind it.
func (t *pdfText) show(raw string) {
	if t.font == nil || raw == "" {
		return
	}
	if t.letters += len(raw); t.letters > maxOperations {
		panic(errOperations)
	}
	text, width := t.letter(raw)
	at := matrix{1, 0, 0, 1, 0, t.rise}.times(t.tm).times(t.ctm)
	t.tm = matrix{1, 0, 0, 1, width, 0}.times(t.tm)
	end := matrix{1, 0, 0, 1, 0, t.rise}.times(t.tm).times(t.ctm)
	size := t.size * max(abs(at[3]), abs(at[1]))
	x, y, to := at[4], at[5], end[4]
	if abs(at[1]) > abs(at[0]) { // it is turned: read along the other axis
		x, y, to = at[5]*sign(at[1]), -at[4]*sign(at[1]), end[5]*sign(at[1])
		size = t.size * max(abs(at[2]), abs(at[0]))
	}
	t.spans = append(t.spans, span{x, y, to, abs(size), text})
}

func abs(x float64) float64 { return max(x, -x) }

func sign(x float64) float64 {
	if x < 0 {
		return -1
	}
	return 1
}

// letter returns the text of codes and how far it reaches. Blanks are where there is
// room: one that was narrowed to nothing is none, and two letters that were moved
// apart by more than a blank have one between them.
func (t *pdfText) letter(raw string) (string, float64) {
	var b strings.Builder
	var width float64
	n := 0
	few := len(raw) <= 2 || t.font.wide && len(raw) <= 4 // more are a heading, whose letters stand apart
	t.font.each(raw, func(code int, space bool) {
		if n++; n == 2 && few && t.charSpace > 0.2*t.size && t.size > 0 {
			b.WriteByte(' ')
		}
		advance := t.font.width(code)/1000*t.size + t.charSpace
		if space {
			advance += t.wordSpace
		}
		width += advance * t.scale
		text := t.font.decode(code)
		if text == " " && t.size > 0 && advance < 0.1*t.size {
			return
		}
		b.WriteString(text)
	})
	return apart(b.String()), width
}
