package functions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// What goes to a model was written by anybody. Two things in it work on those
// who do not read it: characters that are not shown, in which instructions hide
// from people, and links and images, by which what the model knows is sent away
// when its answer is shown. Both are taken out; what a person would have read
// stays.

// clean rids a result of them.
func (r *Result) clean() {
	r.Data = cleanJSON(r.Data)
	r.cleanEnvelope()
}

// cleanEnvelope rids of them what goes along with the data.
func (r *Result) cleanEnvelope() {
	r.Message = Clean(r.Message)
	for i, note := range r.Metadata.Notes {
		if cleaned := Clean(note); cleaned != note {
			notes := append([]string(nil), r.Metadata.Notes...)
			notes[i], r.Metadata.Notes = cleaned, notes
		}
	}
}

// cleanJSON cleans the texts in valid JSON, names included: those of a raw payload
// were written by others, too.
func cleanJSON(data json.RawMessage) json.RawMessage {
	if !suspicious(data) {
		return data
	}
	var out []byte // nil until something changes
	copied := 0
	for i := 0; i < len(data); i++ {
		if data[i] != '"' {
			continue
		}
		end := i + 1
		for data[end] != '"' {
			if data[end] == '\\' {
				end++
			}
			end++
		}
		token := data[i : end+1]
		if suspicious(token) {
			var text string
			if json.Unmarshal(token, &text) == nil {
				if cleaned := Clean(text); cleaned != text {
					out = appendString(append(out, data[copied:i]...), cleaned)
					copied = end + 1
				}
			}
		}
		i = end
	}
	if copied == 0 {
		return data
	}
	return append(out, data[copied:]...)
}

// suspicious is a quick look: whether Clean could find something.
func suspicious(text []byte) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '<' || c == '\\' && i+1 < len(text) && text[i+1] == 'u':
			return true
		case c == ':' && i+2 < len(text) && text[i+1] == '/' && text[i+2] == '/':
			return true
		case c == ']' && i+1 < len(text) && (text[i+1] == '(' || text[i+1] == ':' || text[i+1] == '['):
			return true
		case c == 0xC2 && i+1 < len(text) && text[i+1] == 0xAD, // soft hyphen
			c == 0xCD, c == 0xD8, c == 0xDB, c == 0xDC, c >= 0xE1 && c <= 0xE3, c == 0xEF, c >= 0xF0: // where invisible ones begin
			return true
		}
	}
	return bytes.Contains(text, []byte("data:")) || bytes.Contains(text, []byte("javascript:"))
}

var (
	markdownImage = regexp.MustCompile(`!\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])`)
	markdownLink  = regexp.MustCompile(`\[([^\]]*)\]\(\s*<?[^)\s]+>?(?:\s+[^)]*)?\)`)
	markdownName  = regexp.MustCompile(`(?m)^\s*\[[^\]]+\]:\s*\S+.*$`)
	htmlElement   = regexp.MustCompile(`(?is)<\s*/?\s*(?:img|a|iframe|frame|object|embed|script|style|link|svg|image|video|audio|source|picture|form|input|button|meta|base|body|table)\b[^<>]*>`)
	htmlComment   = regexp.MustCompile(`(?s)<!--.*?-->`)
	address       = regexp.MustCompile(`(?i)\b(?:https?|ftp|wss?|file)://[^\s<>"'` + "`" + `)\]}]+|\b(?:javascript|vbscript):[^\s<>"']+|\bdata:[a-z]+/[a-z0-9.+-]+[;,][^\s<>"']*`)
)

// Clean returns text as a model may read it: without characters that are not
// shown (zero-width and direction marks, tags, private use), without HTML that
// loads or hides something, and with the addresses of links and images taken
// out: "[docs](https://example.com/x?q=1)" becomes "docs [link example.com]". A
// text that is nothing but one http address is a value and stays, such as the
// website of an account.
func Clean(text string) string {
	text = strings.Map(shown, text)
	if whole := strings.TrimSpace(text); isAddress(whole) {
		return text
	}
	text = htmlComment.ReplaceAllString(text, "")
	text = markdownImage.ReplaceAllString(text, "[image: $1]")
	text = markdownLink.ReplaceAllStringFunc(text, func(link string) string {
		parts := markdownLink.FindStringSubmatch(link)
		return parts[1] + hostOf(strings.Trim(link[len(parts[1])+3:], "<>() "))
	})
	text = markdownName.ReplaceAllString(text, "")
	text = htmlElement.ReplaceAllStringFunc(text, func(tag string) string {
		if strings.HasPrefix(strings.ToLower(strings.TrimLeft(tag, "< ")), "im") {
			return "[image]"
		}
		return ""
	})
	return address.ReplaceAllStringFunc(text, func(a string) string {
		return strings.TrimPrefix(hostOf(a), " ")
	})
}

// hostOf names where a link leads, without what could carry data.
func hostOf(link string) string {
	link, _, _ = strings.Cut(link, " ")
	u, err := url.Parse(link)
	if err != nil || u.Hostname() == "" {
		return " [link]"
	}
	return " [link " + u.Hostname() + "]"
}

// isAddress reports whether a text is one http address and no more.
func isAddress(text string) bool {
	if len(text) > 2048 || !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") || strings.ContainsAny(text, " \t\r\n<>\"'`()[]{}") {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.User == nil
}

// shown drops characters that nobody sees, and keeps those that set type.
func shown(r rune) rune {
	switch {
	case r == '\n' || r == '\t' || r == '\r':
		return r
	case r < 0x20, r == 0x7F, r >= 0x80 && r < 0xA0: // controls
		return -1
	case r == 0xAD, r == 0x034F, r == 0x061C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFFA0:
		return -1
	case r >= 0x180B && r <= 0x180F, r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return -1
	case r >= 0xFE00 && r <= 0xFE0F, r == 0xFEFF, r >= 0xFFF0 && r <= 0xFFFB:
		return -1
	case r >= 0xE000 && r <= 0xF8FF, r >= 0xE0000 && r <= 0xE0FFF, r >= 0xF0000: // private use, tags, more variation selectors
		return -1
	case r == utf8.RuneError || r < utf8.RuneSelf:
		return r
	case unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// escaped writes the characters that shown drops as JSON escapes, for people who
// are to see what is there.
func escaped(raw []byte) string {
	var b strings.Builder
	for _, r := range string(raw) {
		switch {
		case shown(r) == r:
			b.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
