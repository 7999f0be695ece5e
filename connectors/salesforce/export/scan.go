package export

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"runtime"
	"sync"
)

// scan reads the file once and fast, without splitting it into records: it
// counts what the bytes are in UTF-8, and looks whether anything may be a slash
// date. Whether it really is one, is the business of scanDates.
func (s *source) scan(ctx context.Context, o decisions) error {
	raw, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer raw.Close()
	r := bufio.NewReaderSize(raw, 4096)
	head, err := r.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	s.marked, s.mark = sniff(head)
	if s.encoding = s.marked; o.encoding != "" {
		s.encoding = o.encoding
	}
	if o.encoding != "" && o.dateOrder != Unsettled {
		return nil
	}
	text, err := s.text(r)
	if err != nil {
		return err
	}
	var share *utf8Share
	if s.encoding == "" {
		share = &s.share
	}
	s.dates, err = look(text, share, o.dateOrder == Unsettled)
	return err
}

// look reads r to its end. It counts into share unless that is nil.
func look(r io.Reader, share *utf8Share, wantDates bool) (dates bool, err error) {
	const around = 64 // bytes that are kept on both sides of a slash
	buf := make([]byte, 64<<10)
	held, counted, searched := 0, 0, 0
	for err == nil {
		var n int
		n, err = r.Read(buf[held:])
		held += n
		if err != nil && err != io.EOF {
			return dates, err
		}
		last := err == io.EOF
		if share != nil {
			counted = held - share.count(buf[counted:held], last)
		} else {
			counted = held
		}
		limit := held - around
		if last {
			limit = held
		}
		for wantDates && !dates && searched < limit {
			i := bytes.IndexByte(buf[searched:limit], '/')
			if i < 0 {
				break
			}
			searched += i + 1
			dates = mayBeDate(buf[:held], searched-1)
		}
		searched = max(searched, limit)
		drop := max(0, min(counted, searched-around))
		held = copy(buf, buf[drop:held])
		counted -= drop
		searched -= drop
	}
	return dates, nil
}

// mayBeDate is true when the slash at i may be the first of a field that is a
// slash date. It says no to most dates within text, and where it cannot see
// enough it says yes.
func mayBeDate(data []byte, i int) bool {
	from := i
	for from > 0 && i-from < 3 && digit(data[from-1]) {
		from--
	}
	if n := i - from; n < 1 || n > 2 || !boundary(data, from-1, -1, false) {
		return false
	}
	digits := func(at int) int {
		n := 0
		for at+n < len(data) && n < 5 && digit(data[at+n]) {
			n++
		}
		return n
	}
	n := digits(i + 1)
	if n < 1 || n > 2 {
		return false
	}
	i += 1 + n
	if i >= len(data) || data[i] != '/' {
		return false
	}
	n = digits(i + 1)
	return (n == 2 || n == 4) && boundary(data, i+1+n, 1, true)
}

// boundary goes from i in the given direction over white space and is true at
// what may be the edge of a field, or before a time of day.
func boundary(data []byte, i, step int, beforeTime bool) bool {
	space := false
	for ; i >= 0 && i < len(data); i += step {
		switch c := data[i]; {
		case c == '\n', c == '\r', c == '"', c == ',':
			return true
		case c == ' ', c == '\t', c == '\v', c == '\f', c >= 0x80: // the latter may be a space, too
			space = true
		default:
			return beforeTime && space && digit(c)
		}
	}
	return true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// each calls f for every source, two or more at a time, and returns the first
// error in the order of the sources.
func each(sources []*source, f func(*source) error) error {
	var wg sync.WaitGroup
	errs := make([]error, len(sources))
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, s := range sources {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			errs[i] = f(s)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
