package local

import (
	"bufio"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"

	"github.com/curatore/curatore-go/content/extract"
)

// maxNesting is how many messages and attachments may stand inside each other.
const maxNesting = 4

// A letter is one mail that is being read.
type letter struct {
	*reading
	parts    int
	attached []extract.Part
}

// readMail reads the header, the text (plain if there is a choice) and the
// attachments.
func readMail(ctx context.Context, r *reading) error {
	source := bufio.NewReader(io.NewSectionReader(r.ReaderAt, 0, r.Size))
	h, err := readHeader(source)
	if err != nil {
		return err
	}
	_, params, _ := mime.ParseMediaType(h.Get("Content-Type")) // for what is written in the header as it is
	header := func(name string) string { return decodeHeader(h.Get(name), params["charset"]) }
	var b strings.Builder
	for _, name := range []string{"From", "To", "Cc", "Date", "Subject"} {
		if v := header(name); v != "" {
			r.metadata[strings.ToLower(name)] = v
			b.WriteString(name + ": " + strings.Join(strings.Fields(v), " ") + "\n")
		}
	}
	if id := h.Get("Message-Id"); id != "" {
		r.metadata["message-id"] = id
	}
	r.result.Title, r.result.Author = header("Subject"), header("From")
	if at, err := mail.ParseDate(h.Get("Date")); err == nil {
		r.result.Created = at.UTC()
	}
	l := &letter{reading: r}
	body, err := l.part(ctx, h, source, 0)
	if err != nil {
		return err
	}
	r.add(extract.Body, 0, "", b.String()+"\n"+body)
	r.result.Parts = append(r.result.Parts, l.attached...)
	return nil
}

// maxHeader bounds the header of a mail.
const maxHeader = 1 << 20

// readHeader reads a header up to the empty line behind it. Lines that are none, which
// old mailboxes and broken programs leave in it, are passed over.
func readHeader(r *bufio.Reader) (textproto.MIMEHeader, error) {
	h := textproto.MIMEHeader{}
	last := ""
	for size := 0; ; {
		line, err := r.ReadString('\n')
		if size += len(line); size > maxHeader {
			return nil, fmt.Errorf("%w: its header has more than %d bytes", extract.ErrTooLarge, maxHeader)
		}
		line = strings.TrimRight(line, "\r\n")
		name, value, named := strings.Cut(line, ":")
		switch folded := strings.TrimLeft(line, " \t"); {
		case line == "" && (err != nil || len(h) > 0):
			if len(h) == 0 {
				return nil, fmt.Errorf("%w: it has no header", extract.ErrBroken)
			}
			return h, nil
		case folded != line && last != "":
			all := h[last]
			all[len(all)-1] += " " + folded
		case named && !strings.ContainsAny(name, " \t"):
			last = textproto.CanonicalMIMEHeaderKey(name)
			h[last] = append(h[last], strings.TrimSpace(value))
		default:
			last = ""
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
}

// decodeHeader reads the encoded words of a header, and bytes that should have been one.
func decodeHeader(v, charsetName string) string {
	words := &mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	if decoded, err := words.DecodeHeader(v); err == nil {
		v = decoded
	}
	if !utf8.ValidString(v) {
		v = decode([]byte(v), "text/plain; charset="+cmp.Or(charsetName, "windows-1252"))
	}
	return v
}

// part reads one part of a mail with those inside it, and returns its text as Markdown.
func (l *letter) part(ctx context.Context, h textproto.MIMEHeader, body io.Reader, depth int) (string, error) {
	if l.parts++; l.parts > l.limits.Entries || depth > 20 {
		return "", fmt.Errorf("%w: the mail has more than %d parts, or more than 20 inside each other", extract.ErrTooLarge, l.limits.Entries)
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || mediaType == "" {
		mediaType, params = typeText, map[string]string{}
	}
	switch {
	case mediaType == "multipart/encrypted" || strings.HasSuffix(mediaType, "pkcs7-mime") && params["smime-type"] == "enveloped-data":
		return "", fmt.Errorf("%w: it is an encrypted mail", extract.ErrEncrypted)
	case strings.HasSuffix(mediaType, "-signature"):
		return "", nil
	case strings.HasPrefix(mediaType, "multipart/") && params["boundary"] != "":
		return l.several(ctx, mediaType, multipart.NewReader(body, params["boundary"]), depth)
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "base64":
		body = base64.NewDecoder(base64.RawStdEncoding, &base64Filter{r: body})
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(l.budget.Reader(body, "a part of the mail", 0))
	if errors.Is(err, extract.ErrTooLarge) {
		return "", err
	}
	if err != nil {
		l.note("a part of type %s ends too early: %v", mediaType, err)
	}
	disposition, named, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	name := decodeHeader(cmp.Or(named["filename"], params["name"]), "")
	switch {
	case disposition == "attachment" || name != "" && !strings.HasPrefix(mediaType, "text/") || mediaType == typeMail:
		l.attachment(ctx, name, mediaType, b)
		return "", nil
	case mediaType == typeHTML:
		doc, err := ParseHTML(b, h.Get("Content-Type"))
		text := ""
		if err == nil {
			text, err = Markdown(doc, "")
		}
		if err != nil {
			l.note("the HTML of the mail: %v", err)
		}
		return text, nil
	case strings.HasPrefix(mediaType, "text/"), strings.HasPrefix(mediaType, "multipart/"): // without a boundary
		return decode(b, h.Get("Content-Type")), nil
	}
	return "", nil
}

// several reads the parts of a part: all, or of alternatives the plain text, which
// stands first, if it says anything.
func (l *letter) several(ctx context.Context, mediaType string, parts *multipart.Reader, depth int) (string, error) {
	var texts []string
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				l.note("the mail ends too early: %v", err)
			}
			return strings.Join(texts, "\n\n"), nil
		}
		if mediaType == "multipart/alternative" && len(texts) > 0 && strings.HasPrefix(p.Header.Get("Content-Type"), "text/") {
			continue
		}
		text, err := l.part(ctx, p.Header, p, depth+1)
		if err != nil {
			return "", err
		}
		if text = strings.TrimSpace(text); text != "" && (mediaType != "multipart/alternative" || len(texts) == 0) {
			texts = append(texts, text)
		}
	}
}

// attachment reads a file in the mail. One that cannot be read is noted.
func (l *letter) attachment(ctx context.Context, name, mediaType string, b []byte) {
	if name == "" {
		name = "attached message"
	}
	if strings.HasPrefix(mediaType, "image/") {
		return
	}
	if l.depth+1 > maxNesting {
		l.note("the attachment %q is too deep inside other mails", name)
		return
	}
	f := extract.File{Name: name, ContentType: mediaType, Size: int64(len(b)), ReaderAt: strings.NewReader(string(b))}
	inner, err := l.nested(ctx, f, l.depth+1)
	if err != nil {
		l.note("the attachment %q: %v", name, err)
		return
	}
	text := inner.Text()
	if strings.TrimSpace(text) == "" {
		return
	}
	for _, n := range inner.Notes {
		l.note("the attachment %q: %s", name, n)
	}
	l.attached = append(l.attached, extract.Part{Name: strings.Join(strings.Fields(name), " "), Text: "## " + strings.Join(strings.Fields(name), " ") + "\n\n" + text})
}

// A base64Filter drops what is not of the alphabet, which mails have between
// lines and at their end, and the padding, which some lack.
type base64Filter struct{ r io.Reader }

// Read implements io.Reader.
func (f *base64Filter) Read(p []byte) (int, error) {
	for {
		n, err := f.r.Read(p)
		kept := 0
		for _, c := range p[:n] {
			if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' {
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}
