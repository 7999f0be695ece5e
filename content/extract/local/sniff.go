package local

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"path"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/curatore/curatore-go/content/extract"
)

// The MIME types of what is read.
const (
	typePDF      = "application/pdf"
	typeDOCX     = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	typePPTX     = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	typeXLSX     = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	typeCSV      = "text/csv"
	typeHTML     = "text/html"
	typeMarkdown = "text/markdown"
	typeText     = "text/plain"
	typeJSON     = "application/json"
	typeMail     = "message/rfc822"
)

// A format is what a file is, and how it is read; read is nil when it is not.
type format struct {
	mime string
	read func(ctx context.Context, r *reading) error
}

// The readers of formats that their content tells, and of texts, which a name or
// a source has to tell apart.
func reader(mimeType string) func(context.Context, *reading) error {
	switch mimeType {
	case typePDF:
		return readPDF
	case typeDOCX:
		return readDOCX
	case typePPTX:
		return readPPTX
	case typeXLSX:
		return readXLSX
	case typeCSV:
		return readCSV
	case typeHTML:
		return readHTML
	case typeMarkdown:
		return readMarkdown
	case typeText:
		return readText
	case typeJSON:
		return readJSON
	case typeMail:
		return readMail
	}
	return nil
}

// texts are the extensions and MIME types of texts that look alike.
var texts = map[string]string{
	".csv": typeCSV, ".tsv": typeCSV, "text/csv": typeCSV, "text/tab-separated-values": typeCSV,
	".htm": typeHTML, ".html": typeHTML, ".xhtml": typeHTML, "text/html": typeHTML, "application/xhtml+xml": typeHTML,
	".md": typeMarkdown, ".markdown": typeMarkdown, "text/markdown": typeMarkdown,
	".json": typeJSON, ".jsonl": typeJSON, ".ndjson": typeJSON, "application/json": typeJSON, "application/x-ndjson": typeJSON,
	".eml": typeMail, "message/rfc822": typeMail,
	".txt": typeText, ".text": typeText, ".log": typeText,
}

// sniffBytes is how much of a file is looked at.
const sniffBytes = 32 << 10

// ContentType tells what a file is by its content, and by its name and what its
// source says where the content leaves it open: which kind of text it is. It
// reads the beginning of the file and, of an archive, its directory.
func ContentType(f extract.File) (string, error) {
	form, err := sniff(f)
	return form.mime, err
}

func sniff(f extract.File) (format, error) {
	head := make([]byte, min(f.Size, sniffBytes))
	if n, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return format{}, err
	} else if n < len(head) {
		return format{}, fmt.Errorf("%w: it has %d bytes less than it should", extract.ErrBroken, len(head)-n)
	}
	found := mimetype.Detect(head)
	is := func(t string) bool {
		for m := found; m != nil; m = m.Parent() {
			if m.Is(t) {
				return true
			}
		}
		return false
	}
	switch {
	case is(typePDF) || bytes.Contains(head[:min(len(head), 1024)], []byte("%PDF-")):
		return format{typePDF, readPDF}, nil
	case is("application/zip"):
		mimeType, err := zipType(f)
		return format{mimeType, reader(mimeType)}, err
	case is("application/x-ole-storage"):
		return oleType(f, head)
	case bytes.HasPrefix(head, []byte(`{\rtf`)): // text by its bytes, and none to read
		return format{"text/rtf", nil}, nil
	}
	said, _, _ := mime.ParseMediaType(f.ContentType)
	hint := cmp.Or(texts[strings.ToLower(path.Ext(f.Name))], texts[said])
	switch {
	case is("text/html") && (hint == "" || hint == typeText):
		return format{typeHTML, readHTML}, nil
	case looksLikeText(head):
		if hint == "" {
			hint = guess(found, head)
		}
		return format{hint, reader(hint)}, nil
	}
	plain, _, _ := strings.Cut(found.String(), ";")
	return format{plain, nil}, nil
}

// guess tells which kind of text one without a name is.
func guess(found *mimetype.MIME, head []byte) string {
	switch {
	case found.Is(typeJSON) || found.Is("application/x-ndjson"):
		return typeJSON
	case found.Is(typeCSV) || found.Is("text/tab-separated-values"):
		return typeCSV
	case len(head) > 1 && (head[0] == '{' || head[0] == '[') && json.Valid(head):
		return typeJSON
	case looksLikeMail(head):
		return typeMail
	}
	return typeText
}

// looksLikeMail reports whether a text begins with the header of a mail.
func looksLikeMail(head []byte) bool {
	m, err := mail.ReadMessage(bytes.NewReader(head))
	return err == nil && m.Header.Get("From") != "" && (m.Header.Get("Date") != "" || m.Header.Get("Message-Id") != "" || m.Header.Get("MIME-Version") != "")
}

// looksLikeText reports whether bytes are text in UTF-8, UTF-16, or one of the encodings
// of single bytes.
func looksLikeText(head []byte) bool {
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) || wideOrder(head) != nil {
		return true
	}
	control := 0
	for _, c := range head {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b {
			control++
		}
	}
	return control*500 <= len(head)
}

// zipType tells what an archive is by the names in it.
func zipType(f extract.File) (string, error) {
	z, err := zip.NewReader(f, f.Size)
	if err != nil {
		return "application/zip", fmt.Errorf("%w: its zip directory cannot be read: %w", extract.ErrBroken, err)
	}
	declared, folder := false, "" // an Office document may name its main file as it likes
	for _, e := range z.File {
		name := strings.ToLower(strings.TrimPrefix(e.Name, "/"))
		switch name {
		case "word/document.xml":
			return typeDOCX, nil
		case "ppt/presentation.xml":
			return typePPTX, nil
		case "xl/workbook.xml":
			return typeXLSX, nil
		case "[content_types].xml":
			declared = true
		}
		if at, _, below := strings.Cut(name, "/"); below && folder == "" && (at == "word" || at == "ppt" || at == "xl") {
			folder = at
		}
	}
	if declared && folder != "" {
		return map[string]string{"word": typeDOCX, "ppt": typePPTX, "xl": typeXLSX}[folder], nil
	}
	return "application/zip", nil
}

// oleType tells what a file of the container is that Office used before 2007,
// and uses still around what is encrypted.
func oleType(f extract.File, head []byte) (format, error) {
	name := []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")
	const look = 4 << 20
	begin, end := make([]byte, min(f.Size, look)), make([]byte, min(f.Size, look))
	for _, part := range []struct {
		b  []byte
		at int64
	}{{begin, 0}, {end, f.Size - int64(len(end))}} {
		if _, err := f.ReadAt(part.b, part.at); err != nil && !errors.Is(err, io.EOF) {
			return format{}, err
		}
		if bytes.Contains(part.b, name) {
			return format{"application/x-ole-storage", func(context.Context, *reading) error {
				return fmt.Errorf("%w: it is an Office document with a password", extract.ErrEncrypted)
			}}, nil
		}
	}
	found, _, _ := strings.Cut(mimetype.Detect(head).String(), ";")
	return format{found, nil}, nil
}
