package local

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"github.com/curatore/curatore-go/content/extract"
)

// maxTree bounds the elements of a page, each of which takes some hundred bytes.
const maxTree = 2_000_000

// readHTML converts the whole of a page.
func readHTML(_ context.Context, r *reading) error {
	b, err := r.all()
	if err != nil {
		return err
	}
	doc, err := ParseHTML(b, r.ContentType)
	if err != nil {
		return err
	}
	r.result.Title, r.result.Language = headOf(doc, r.metadata)
	r.result.Author = r.metadata["author"]
	text, err := Markdown(doc, "")
	if err != nil {
		return err
	}
	r.add(extract.Body, 0, "", text)
	return nil
}

// DecodeHTML returns a page in UTF-8, from the encoding that its mark, the content
// type of the response, its meta elements or else its bytes say.
func DecodeHTML(b []byte, contentType string) (string, error) {
	e, name, certain := charset.DetermineEncoding(b[:min(len(b), 1024)], contentType)
	if !certain || name == "utf-8" {
		return decode(b, contentType), nil
	}
	decoded, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", fmt.Errorf("%w: it is not in the encoding %s: %w", extract.ErrBroken, name, err)
	}
	return string(decoded), nil
}

// endedAtOnce are elements that HTML takes to hold all that is behind them as it is.
var endedAtOnce = regexp.MustCompile(`(?i)<(title|script|style|textarea|iframe|noscript)(\s[^<>]*)?/>`)

// ParseHTML parses a page in the encoding that DecodeHTML finds. More than two million
// elements, or some more than 512 deep, are extract.ErrTooLarge.
func ParseHTML(b []byte, contentType string) (*html.Node, error) {
	text, err := DecodeHTML(b, contentType)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(text[:min(len(text), 100)]), "<?xml") { // XHTML, where these end at once
		text = endedAtOnce.ReplaceAllString(text, "<$1$2></$1>")
	}
	if tooWide(text) {
		return nil, fmt.Errorf("%w: the page has more than %d elements", extract.ErrTooLarge, maxTree)
	}
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		if strings.Contains(err.Error(), "exceeds") {
			return nil, fmt.Errorf("%w: its elements are too deep: %w", extract.ErrTooLarge, err)
		}
		return nil, fmt.Errorf("%w: %w", extract.ErrBroken, err)
	}
	return doc, nil
}

// headOf reads what the head of a page says of it.
func headOf(doc *html.Node, metadata map[string]string) (title, lang string) {
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "html":
			lang, _, _ = strings.Cut(attribute(n, "lang"), ",")
		case "title":
			if title == "" && n.FirstChild != nil {
				title = n.FirstChild.Data
			}
		case "meta":
			name := strings.ToLower(attribute(n, "name") + attribute(n, "property"))
			switch name {
			case "author", "description", "keywords", "og:title", "og:description", "article:published_time", "article:modified_time":
				if metadata[name] == "" {
					metadata[name] = attribute(n, "content")
				}
			}
		}
	}
	if lang = strings.TrimSpace(lang); len(lang) > 35 {
		lang = ""
	}
	return strings.TrimSpace(title), lang
}

// Markdown converts a page, or a part of one, to Markdown. Links that are
// relative are made absolute with the address of the page, unless that is "".
// The nodes are changed.
func Markdown(n *html.Node, address string) (string, error) {
	c := converter.NewConverter(converter.WithPlugins(base.NewBasePlugin(), commonmark.NewCommonmarkPlugin(), table.NewTablePlugin(
		table.WithSpanCellBehavior(table.SpanBehaviorEmpty), table.WithHeaderPromotion(true), table.WithNewlineBehavior(table.NewlineBehaviorPreserve),
		table.WithCellPaddingBehavior(table.CellPaddingBehaviorMinimal))))
	for _, tag := range []string{"noscript", "svg", "canvas", "object", "iframe", "audio", "video", "template"} {
		c.Register.TagType(tag, converter.TagTypeRemove, converter.PriorityEarly)
	}
	for _, tag := range []string{"option", "optgroup", "summary", "details", "button", "legend"} {
		c.Register.TagType(tag, converter.TagTypeBlock, converter.PriorityEarly) // else they run together
	}
	dropImages(n)
	tameTables(n)
	b, err := c.ConvertNode(n, converter.WithDomain(address))
	if err != nil {
		return "", fmt.Errorf("%w: %w", extract.ErrBroken, err)
	}
	text := string(b)
	for strings.Contains(text, twoLines) { // of the blocks in a cell
		text = strings.ReplaceAll(text, twoLines, "<br />")
	}
	return text, nil
}

// twoLines are two line ends in a cell.
const twoLines = "<br /><br />"

// dropImages replaces pictures by the texts that stand for them: a picture that
// is written out in its address may be megabytes.
func dropImages(root *html.Node) {
	var images []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "img" {
			images = append(images, n)
		}
	}
	for _, n := range images {
		n.Type, n.Data, n.DataAtom, n.Attr = html.TextNode, attribute(n, "alt"), 0, nil
	}
}
