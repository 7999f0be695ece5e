package export

import (
	"fmt"
	"io"
)

// evidence is what the slash dates of one column say: the first that has the
// month first, the first that has the day first, and the first that may be
// either. Places are kept for the error that names them.
type evidence struct{ month, day, either *Error }

// scanDates reads the file record by record and collects the evidence of its
// slash dates. A field counts only when the whole of it is a date.
func (s *source) scanDates(c *csvReader) error {
	s.evidence = make([]evidence, len(s.header))
	for {
		if err := c.read(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if c.fault.err != nil || c.count != len(s.header) {
			continue
		}
		for i, f := range c.spans() {
			v := c.buf[c.start+f.from : c.start+f.to]
			for len(v) > 0 && v[0] <= ' ' {
				v = v[1:]
			}
			if len(v) < 6 || !digit(v[0]) || v[1] != '/' && v[2] != '/' {
				continue
			}
			text, _ := Text(string(v[:min(len(v), 64)]))
			if d, ok := parseSlashDate(text); ok {
				s.evidence[i].add(d, s, c.line, i, text)
			}
		}
	}
}

func (e *evidence) add(d slashDate, s *source, line, column int, value string) {
	at := &e.either
	switch {
	case d.first > 12:
		at = &e.day
	case d.second > 12:
		at = &e.month
	}
	if *at == nil {
		*at = &Error{File: s.place, Line: line, Column: s.header[column], Value: value, Err: ErrDateOrder}
	}
}

// merge keeps the earlier of each.
func (e *evidence) merge(later evidence) {
	keep := func(at **Error, p *Error) {
		if *at == nil {
			*at = p
		}
	}
	keep(&e.month, later.month)
	keep(&e.day, later.day)
	keep(&e.either, later.either)
}

// DateOrder decides the order of day and month in the slash dates of the whole
// export. Options.DateOrder decides it when it is set. Else it is settled by
// the dates that read one way only, as 02/23/26: first those in columns for
// which reads is true, and when these leave it open, those of all other
// columns. A nil reads means all columns.
//
// It is an error when such dates contradict each other (ErrDateConflict, naming
// a place for each), and when nothing settles slash dates of columns that are
// read (ErrDateOrder, naming one). Columns that nobody reads as dates do no
// harm: parts numbered 24/12/16 are not a contradiction. Without slash dates in
// columns that are read there is no error, and the order may be Unsettled.
func (e *Export) DateOrder(reads func(object, column string) bool) (DateOrder, error) {
	if e.decided.dateOrder != Unsettled {
		return e.decided.dateOrder, nil
	}
	var read, rest evidence
	for _, s := range e.sources {
		for i, ev := range s.evidence {
			if reads == nil || reads(e.objects[s.object].name, s.header[i]) {
				read.merge(ev)
			} else {
				rest.merge(ev)
			}
		}
	}
	if read.month == nil && read.day == nil {
		if read.either == nil {
			order, err := rest.order()
			if err != nil { // nobody needs to know
				order = Unsettled
			}
			return order, nil
		}
		read.month, read.day = rest.month, rest.day
	}
	return read.order()
}

func (ev evidence) order() (DateOrder, error) {
	const set = "say which in the options of the import"
	switch {
	case ev.month != nil && ev.day != nil:
		return Unsettled, fmt.Errorf("%w: %s: %q has the month first; %s: %q has the day first; %s",
			ErrDateConflict, ev.month.Place(), ev.month.Value, ev.day.Place(), ev.day.Value, set)
	case ev.month != nil:
		return MonthFirst, nil
	case ev.day != nil:
		return DayFirst, nil
	case ev.either != nil:
		return Unsettled, fmt.Errorf("%w: no date of the export tells whether %q (%s) has the day or the month first; %s",
			ErrDateOrder, ev.either.Value, ev.either.Place(), set)
	}
	return Unsettled, nil
}
