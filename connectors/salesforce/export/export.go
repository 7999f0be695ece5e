package export

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// File is one file of an export: a zip part, or a .csv given directly. Names
// may have a folder before them. The caller closes what is behind the
// io.ReaderAt, after the last use of the Export.
type File struct {
	Name string
	Size int64
	io.ReaderAt
}

// Options decide what [Open] else finds out, and set limits. With both Encoding
// and DateOrder set the files are not looked through: reading starts at once.
type Options struct {
	Encoding  string // utf-8, windows-1252 (also iso-8859-1, latin1), utf-16le, utf-16be; "" to find out
	DateOrder DateOrder
	Limits    Limits
}

// Export is an export whose files were looked through. It is safe for
// concurrent use, as long as its files are.
type Export struct {
	decided decisions
	limits  Limits
	parts   partition
	sources []*source // in the order of the parts
	objects []object  // as wanted
}

type decisions struct {
	encoding  encoding // "" when each file is marked
	dateOrder DateOrder
}

type object struct {
	name    string
	sources []*source
	header  []string // of all sources
	keys    []string // of the header, as keys of JSON
	size    int64
}

// Open looks through the files of one export for the wanted objects (Account
// for the file Account.csv) and decides how they are to be read. Unless Options
// decide everything, that takes about as long as unpacking them.
//
// It refuses with an error: a file that is no zip, cut short or encrypted
// (ErrNotZip, ErrTruncated, ErrEncrypted); entry names that lead out of the zip
// (ErrInsecure); anything over a limit (ErrTooLarge); a part given twice, or an
// object twice in one zip (ErrDuplicate); parts of different organizations
// (ErrForeign); a header that is missing, has a name twice or an empty one
// (ErrHeader); files without any wanted object (ErrNoObjects).
//
// Wanted objects that are not there are no error, see [Export.Has]; nor are
// missing parts, see [Export.Complete].
func Open(ctx context.Context, files []File, want []string, o Options) (*Export, error) {
	if len(files) == 0 {
		return nil, errors.New("open export: no files given")
	}
	e, err := open(ctx, files, want, o)
	if err != nil {
		return nil, fmt.Errorf("open export: %w", err)
	}
	return e, nil
}

func open(ctx context.Context, files []File, want []string, o Options) (*Export, error) {
	name, err := parseEncoding(o.Encoding)
	if err != nil {
		return nil, err
	}
	e := &Export{decided: decisions{name, o.DateOrder}, limits: o.Limits.withDefaults()}
	if e.parts, err = parts(files); err != nil {
		return nil, err
	}
	for _, w := range want {
		e.objects = append(e.objects, object{name: w})
	}
	if err := e.pick(files, want); err != nil {
		return nil, err
	}
	if err := each(e.sources, func(s *source) error { return s.scan(ctx, e.decided) }); err != nil {
		return nil, err
	}
	e.settleEncoding()
	if err := each(e.sources, func(s *source) error { return e.inspect(ctx, s) }); err != nil {
		return nil, err
	}
	for i := range e.objects {
		e.objects[i].unite()
	}
	return e, nil
}

// pick collects the sources in the order of the parts.
func (e *Export) pick(files []File, want []string) error {
	order := make([]int, len(files))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return e.parts.numbers[a] - e.parts.numbers[b] })
	var found []string
	var total int64
	for _, i := range order {
		picked, names, err := pick(files[i], want, e.limits)
		if err != nil {
			return err
		}
		found = append(found, names...)
		for _, s := range picked {
			if total += s.size; total > e.limits.Total {
				return fmt.Errorf("%s: with it the export is %w of %d bytes", s.place, ErrTooLarge, e.limits.Total)
			}
			o := &e.objects[s.object]
			for _, other := range o.sources {
				if s.entry == nil || other.entry == nil {
					return fmt.Errorf("%s is %w: %s and %s", o.name, ErrDuplicate, other.place, s.place)
				}
			}
			o.sources = append(o.sources, s)
			o.size += s.size
			e.sources = append(e.sources, s)
		}
	}
	if len(e.sources) == 0 {
		more := ""
		if len(found) > 10 {
			more = fmt.Sprintf(" and %d others", len(found)-10)
			found = found[:10]
		}
		for i, name := range found {
			found[i] = clip(name)
			if quoted := strconv.Quote(found[i]); quoted != `"`+found[i]+`"` {
				found[i] = quoted
			}
		}
		list := "nothing"
		if len(found) > 0 {
			list = strings.Join(found, ", ")
		}
		return fmt.Errorf("%w: want %s.csv, found %s%s", ErrNoObjects, strings.Join(want, ".csv or "), list, more)
	}
	return nil
}

// settleEncoding decides for the files that no mark decides. A mark in UTF-8
// speaks for the whole export; one in UTF-16 only for its file, since files
// without it cannot be in UTF-16.
func (e *Export) settleEncoding() {
	if e.decided.encoding != "" {
		return
	}
	var all utf8Share
	unmarked := 0
	for _, s := range e.sources {
		all.valid += s.share.valid
		all.invalid += s.share.invalid
		if s.marked == "" {
			unmarked++
		}
	}
	e.decided.encoding = all.encoding()
	for _, s := range e.sources {
		if s.marked == utf8Encoding {
			e.decided.encoding = utf8Encoding
		}
	}
	if unmarked == 0 {
		e.decided.encoding = e.sources[0].marked
	}
	for _, s := range e.sources {
		if s.encoding == "" {
			s.encoding = e.decided.encoding
		}
	}
}

// inspect reads the header, and the slash dates when there may be some.
func (e *Export) inspect(ctx context.Context, s *source) error {
	raw, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer raw.Close()
	text, err := s.text(raw)
	if err != nil {
		return err
	}
	ahead := bufio.NewReaderSize(text, 64<<10)
	if head, _ := ahead.Peek(64 << 10); endsWithCR(head) { // an error comes again from reading
		s.macLines = true
	}
	text = ahead
	if s.macLines {
		text = macReader{ahead}
	}
	c := newCSVReader(text, e.limits, maxColumns)
	if err := s.readHeader(c); err != nil || !s.dates {
		return err
	}
	return s.scanDates(c)
}

// unite makes one header of those of all parts.
func (o *object) unite() {
	at := map[string]int{}
	for _, s := range o.sources {
		s.columns = make([]int, len(s.header))
		for i, name := range s.header {
			j, ok := at[strings.ToLower(name)]
			if !ok {
				j = len(o.header)
				at[strings.ToLower(name)] = j
				o.header = append(o.header, name)
				o.keys = append(o.keys, string(appendString(nil, name))+":")
			}
			s.columns[i] = j
		}
	}
}

func (e *Export) object(name string) *object {
	i := slices.IndexFunc(e.objects, func(o object) bool { return strings.EqualFold(o.name, name) })
	if i < 0 {
		return &object{}
	}
	return &e.objects[i]
}

// Has is true when the export holds the object, be it without rows.
func (e *Export) Has(object string) bool { return len(e.object(object).sources) > 0 }

// Header returns the names of an object's columns, trimmed, in the order of the
// first part; columns that only later parts have follow. It is nil for an
// object that is not there. The caller must not change it.
func (e *Export) Header(object string) []string { return e.object(object).header }

// Column returns the place of a column in [Export.Header] and in
// Record.Fields, or -1. Case does not count.
func (e *Export) Column(object, column string) int {
	return slices.IndexFunc(e.Header(object), func(name string) bool { return strings.EqualFold(name, column) })
}

// Encoding returns the encoding of the export. A file that a byte-order mark
// says to be in UTF-16 is read so whatever the others are.
func (e *Export) Encoding() string { return string(e.decided.encoding) }

// Complete is false when parts are known to be missing, or when the names of
// several files do not tell; the reason says which. That the last part is
// missing cannot be seen. A single file and single CSVs count as complete.
func (e *Export) Complete() (ok bool, reason string) { return e.parts.reason == "", e.parts.reason }

// OrgID returns the organization's id as it is in the names of the parts, or "".
func (e *Export) OrgID() string { return e.parts.orgID }

// Parts returns the numbers of the parts, ascending, as far as names tell them.
func (e *Export) Parts() []int {
	numbers := slices.Sorted(slices.Values(e.parts.numbers))
	return slices.DeleteFunc(numbers, func(n int) bool { return n == 0 })
}

// Files names the files that are read, such as "WE_00D..._1.ZIP/Account.csv",
// in order.
func (e *Export) Files() []string {
	var names []string
	for _, s := range e.sources {
		names = append(names, s.place)
	}
	return names
}
