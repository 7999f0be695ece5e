package local_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

// Mails as programs write them: in odd encodings, with parts in odd orders, with lines
// in the header that are none.
func TestMail(t *testing.T) {
	head := func(lines ...string) string {
		return "From: a@example.org\r\nSubject: S\r\nMIME-Version: 1.0\r\n" + strings.Join(lines, "\r\n") + "\r\n"
	}
	parts := func(kind string, all ...string) string {
		return head("Content-Type: "+kind+"; boundary=b", "") + "\r\n--b\r\n" + strings.Join(all, "\r\n--b\r\n") + "\r\n--b--\r\n"
	}
	knot := ""
	for i := range 50 {
		knot += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	plain, page := "Content-Type: text/plain\r\n\r\nplain text", "Content-Type: text/html\r\n\r\n<p>the <b>page</b>"
	for _, c := range []struct {
		name, mail, want string
		status           extract.Status
	}{
		{"seven bits", head("Content-Type: text/plain; charset=ISO-2022-JP", "", "\x1b$BF|K\\8l\x1b(B"), "日本語", extract.OK},
		{"eight bits", head("Content-Type: text/plain; charset=koi8-r", "", "\xf0\xd2\xc9\xd7\xc5\xd4"), "Привет", extract.OK},
		{"quoted", head("Content-Type: text/plain; charset=windows-1252", "Content-Transfer-Encoding: quoted-printable", "", "=93soft=94 li=", "ne"), "“soft” line", extract.OK},
		{"no padding", head("Content-Transfer-Encoding: base64", "", "SGVsbG8gd29ybG"), "Hello worl", extract.OK},
		{"alternatives", parts("multipart/alternative", plain, page), "plain text", extract.OK},
		{"an empty alternative", parts("multipart/alternative", "Content-Type: text/plain\r\n\r\n ", page), "the **page**", extract.OK},
		{"a page with a footer", parts("multipart/mixed", page, plain), "the **page**\n\nplain text", extract.OK},
		{"no boundary", strings.Replace(parts("multipart/mixed", plain), "; boundary=b", "", 1), "\n--b\nContent-Type: text/plain\n\nplain text\n--b--", extract.OK},
		{"never ended", strings.TrimSuffix(parts("multipart/mixed", plain), "\r\n--b--\r\n"), "plain text", extract.Partial},
		{"a line that is none", head("this is no header", "Content-Type: text/plain", "", "text"), "text", extract.OK},
		{"out of a mailbox", "From a@b Mon Mar  2 10:00:00 2026\n" + strings.ReplaceAll(head("", "text"), "\r", ""), "text", extract.OK},
		{"signed", parts("multipart/signed", plain, "Content-Type: application/pkcs7-signature; name=s.p7s\r\nContent-Disposition: attachment\r\n\r\nMIIG"), "plain text", extract.OK},
		{"inside another", parts("multipart/mixed", plain, "Content-Type: message/rfc822\r\n\r\n"+head("", "inner")), "plain text\n\n## attached message\n\nFrom: a@example.org\nSubject: S\n\ninner", extract.OK},
		{"encrypted", head("Content-Type: application/pkcs7-mime; smime-type=enveloped-data", "", "MIIG"), "", extract.Encrypted},
		{"encrypted by PGP", parts("multipart/encrypted", plain), "", extract.Encrypted},
		{"in a knot", head(knot), "", extract.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := local.New().Extract(t.Context(), file("a.eml", c.mail))
			if s := extract.StatusOf(r, err); s != c.status {
				t.Fatal(s, err)
			}
			if r == nil {
				return
			}
			if diff := cmp.Diff("From: a@example.org\nSubject: S\n\n"+c.want, r.Text()); diff != "" {
				t.Error(diff)
			}
		})
	}
	r := read(t, file("a.eml", "From: J\xf6rg <j@example.org>\r\nSubject: Gr\xfc\xdfe\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n\xc4pfel"))
	if r.Title != "Grüße" || r.Author != "Jörg <j@example.org>" || !strings.HasSuffix(r.Text(), "Äpfel") {
		t.Errorf("%+v", r)
	}
}
