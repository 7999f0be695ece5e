package local

import (
	"strings"

	"github.com/ledongthuc/pdf"
)

// maxAnnotations bounds what is laid over one page.
const maxAnnotations = 5000

// annotations draws what is laid over a page: the fields of forms with what was filled
// in, stamps, free texts. A field that was filled in without being drawn, as programs
// do, shows its value.
func (t *pdfText) annotations(list pdf.Value) {
	for i := range min(list.Len(), maxAnnotations) {
		a := list.Index(i)
		const hidden, noView = 1 << 1, 1 << 5
		if a.Kind() != pdf.Dict || a.Key("F").Int64()&(hidden|noView) != 0 || a.Key("Subtype").Name() == "Popup" {
			continue
		}
		rect, ok := rectOf(a.Key("Rect"))
		if !ok {
			continue
		}
		look := a.Key("AP").Key("N")
		if look.Kind() == pdf.Dict { // one for each state
			look = look.Key(a.Key("AS").Name())
		}
		t.ctm, t.stack = identity, nil
		if look.Kind() == pdf.Stream {
			t.lay(look, rect)
			continue
		}
		if value := strings.TrimSpace(fieldValue(a)); value != "" && a.Key("Subtype").Name() == "Widget" {
			t.spans = append(t.spans, span{x: rect[0], y: rect[1], end: rect[2], size: min(max(rect[3]-rect[1], 1), 12), text: value})
		}
	}
}

// lay draws an appearance into a rectangle: its box, turned by its matrix, fills it
// (PDF reference, 12.5.5).
func (t *pdfText) lay(look pdf.Value, rect [4]float64) {
	box, ok := rectOf(look.Key("BBox"))
	if !ok || box[2] == box[0] || box[3] == box[1] {
		return
	}
	own := identity
	if m := look.Key("Matrix"); m.Len() == 6 {
		for i := range own {
			own[i] = m.Index(i).Float64()
		}
	}
	var turned [4]float64
	for i, corner := range [4][2]float64{{box[0], box[1]}, {box[2], box[1]}, {box[0], box[3]}, {box[2], box[3]}} {
		x, y := corner[0]*own[0]+corner[1]*own[2]+own[4], corner[0]*own[1]+corner[1]*own[3]+own[5]
		if i == 0 {
			turned = [4]float64{x, y, x, y}
		}
		turned = [4]float64{min(turned[0], x), min(turned[1], y), max(turned[2], x), max(turned[3], y)}
	}
	if turned[2] == turned[0] || turned[3] == turned[1] {
		return
	}
	sx, sy := (rect[2]-rect[0])/(turned[2]-turned[0]), (rect[3]-rect[1])/(turned[3]-turned[1])
	t.ctm = own.times(matrix{sx, 0, 0, sy, rect[0] - turned[0]*sx, rect[1] - turned[1]*sy})
	t.draw(look, look.Key("Resources"), 1)
}

// rectOf reads a rectangle: left, bottom, right, top.
func rectOf(v pdf.Value) (r [4]float64, ok bool) {
	if v.Len() != 4 {
		return r, false
	}
	a, b, c, d := v.Index(0).Float64(), v.Index(1).Float64(), v.Index(2).Float64(), v.Index(3).Float64()
	return [4]float64{min(a, c), min(b, d), max(a, c), max(b, d)}, true
}

// fieldValue returns the value of a text field or a choice, which may stand in the
// field above.
func fieldValue(field pdf.Value) string {
	kind, value := "", pdf.Value{}
	for range 8 {
		if field.Kind() != pdf.Dict {
			break
		}
		if kind == "" {
			kind = field.Key("FT").Name()
		}
		if value.Kind() == pdf.Null {
			value = field.Key("V")
		}
		field = field.Key("Parent")
	}
	if kind != "Tx" && kind != "Ch" {
		return ""
	}
	if value.Kind() == pdf.Array {
		var all []string
		for i := range min(value.Len(), 100) {
			all = append(all, value.Index(i).Text())
		}
		return strings.Join(all, ", ")
	}
	return value.Text()
}
