package salesforcetest

import (
	"strconv"
	"strings"
	"time"
)

// row builds the lines of a CSV as a weekly export writes them: every field in
// quotes, lines ended by LF.
type row struct {
	b     []byte
	style DateStyle
	inner bool // a field was written in this line
}

func (r *row) open() {
	if r.inner {
		r.b = append(r.b, ',')
	}
	r.inner = true
	r.b = append(r.b, '"')
}

func (r *row) close() { r.b = append(r.b, '"') }

func (r *row) end() {
	r.b = append(r.b, '\n')
	r.inner = false
}

// text writes one field of any text.
func (r *row) text(s string) {
	r.open()
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		r.b = append(append(r.b, s[:i+1]...), '"')
		s = s[i+1:]
	}
	r.b = append(r.b, s...)
	r.close()
}

// join writes one field of several pieces, which hold no quotes.
func (r *row) join(pieces ...string) {
	r.open()
	for _, p := range pieces {
		r.b = append(r.b, p...)
	}
	r.close()
}

func (r *row) empty() { r.b = append(r.b, `,""`...) } // never the first field

func (r *row) id(prefix string, n int) {
	r.open()
	r.b = appendID(r.b, prefix, n)
	r.close()
}

func (r *row) number(n int) {
	r.open()
	r.b = strconv.AppendInt(r.b, int64(n), 10)
	r.close()
}

func (r *row) flag(v bool) {
	s := "0"
	switch {
	case r.style == Weekly && v:
		s = "1"
	case r.style == ISO:
		s = strconv.FormatBool(v)
	case r.style != Weekly:
		s = strings.ToUpper(strconv.FormatBool(v))
	}
	r.join(s)
}

var layouts = [...]struct{ date, stamp string }{
	Weekly:     {"2006-01-02 00:00:00", "2006-01-02 15:04:05"},
	ISO:        {"2006-01-02", "2006-01-02T15:04:05.000Z"},
	MonthFirst: {"01/02/06", "01/02/06 03:04 PM"},
	DayFirst:   {"02/01/2006", "02/01/2006 15:04"},
}

func (r *row) date(t time.Time) {
	r.open()
	r.b = t.AppendFormat(r.b, layouts[r.style].date)
	r.close()
}

func (r *row) stamp(t time.Time) {
	r.open()
	r.b = t.AppendFormat(r.b, layouts[r.style].stamp)
	r.close()
}

func (r *row) phone(rnd *random) {
	r.open()
	n := rnd.n(1000000)
	r.b = append(r.b, "(202) 555-"...)
	for div := 1000; div > 0; div /= 10 {
		r.b = append(r.b, byte('0'+n/div%10))
	}
	r.close()
}

func (r *row) header(names []string) {
	for _, n := range names {
		r.text(n)
	}
	r.end()
}
