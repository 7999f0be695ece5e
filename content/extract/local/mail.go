package local

import (
	"bufio"
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

	"golang.org/x/net/html/charset"

	"github.com/curatore/curatore-go/content/extract"
)

// maxNesting is how many messages and attachments may stand inside each other.
const maxNesting = 4

// A letter is one mail that is being read.
type letter struct {
	*reading
	plain, html string
	parts       int
	attached    []extract.Part
}

// readMail reads the header, the text (plain if there is such, else the HTML) and
// the attachments.
func readMail(ctx context.Context, r *reading) error {
	m, err := mail.ReadMessage(bufio.NewReader(io.NewSectionReader(r.ReaderAt, 0, r.Size)))
	if err != nil {
		return fmt.Errorf("%w: its header cannot be read: %w", extract.ErrBroken, err)
	}
	words := &mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	header := func(name string) string {
		v := m.Header.Get(name)
		if decoded, err := words.DecodeHeader(v); err == nil {
			v = decoded
		}
		return v
	}
	var b strings.Builder
	for _, name := range []string{"From", "To", "Cc", "Date", "Subject"} {
		if v := header(name); v != "" {
			r.metadata[strings.ToLower(name)] = v
			b.WriteString(name + ": " + strings.Join(strings.Fields(v), " ") + "\n")
		}
	}
	if id := m.Header.Get("Message-Id"); id != "" {
		r.metadata["message-id"] = id
	}
	r.result.Title, r.result.Author = header("Subject"), header("From")
	if at, err := m.Header.Date(); err == nil {
		r.result.Created = at.UTC()
	}
	l := &letter{reading: r}
	if err := l.part(ctx, textproto.MIMEHeader(m.Header), m.Body, 0); err != nil {
		return err
	}
	body := l.plain
	if strings.TrimSpace(body) == "" && l.html != "" {
		doc, err := ParseHTML([]byte(l.html), "text/html; charset=utf-8")
		if err != nil {
			return err
		}
		if body, err = Markdown(doc, ""); err != nil {
			return err
		}
	}
	r.add(extract.Body, 0, "", b.String()+"\n"+body)
	r.result.Parts = append(r.result.Parts, l.attached...)
	return nil
}

// part reads one part of a mail, with those inside it.
func (l *letter) part(ctx context.Context, h textproto.MIMEHeader, body io.Reader, depth int) error {
	if l.parts++; l.parts > l.limits.Entries || depth > 20 {
		return fmt.Errorf("%w: the mail has more than %d parts, or more than 20 inside each other", extract.ErrTooLarge, l.limits.Entries)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || mediaType == "" {
		mediaType, params = typeText, map[string]string{}
	}
	if strings.HasPrefix(mediaType, "multipart/") && params["boundary"] != "" {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				l.note("the mail ends too early: %v", err)
				return nil
			}
			if err := l.part(ctx, p.Header, p, depth+1); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, &base64Filter{r: body})
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(l.budget.Reader(body, "a part of the mail", 0))
	if errors.Is(err, extract.ErrTooLarge) {
		return err
	}
	if err != nil {
		l.note("a part of type %s ends too early: %v", mediaType, err)
	}
	disposition, named, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	words := &mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	name := params["name"]
	if named["filename"] != "" {
		name = named["filename"]
	}
	if decoded, err := words.DecodeHeader(name); err == nil {
		name = decoded
	}
	switch {
	case disposition == "attachment" || name != "" && !strings.HasPrefix(mediaType, "text/") || mediaType == typeMail:
		l.attachment(ctx, name, mediaType, b)
	case mediaType == typeHTML:
		l.html += decode(b, h.Get("Content-Type")) + "\n"
	case strings.HasPrefix(mediaType, "text/"):
		l.plain += decode(b, h.Get("Content-Type")) + "\n"
	}
	return nil
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
// lines and at their end.
type base64Filter struct{ r io.Reader }

// Read implements io.Reader.
func (f *base64Filter) Read(p []byte) (int, error) {
	for {
		n, err := f.r.Read(p)
		kept := 0
		for _, c := range p[:n] {
			if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '=' {
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}
