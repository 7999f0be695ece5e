package samgov

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// wireDay is how the service writes days in requests.
const wireDay = "01/02/2006"

// A wirePage is an answer to a search. One without a total is none: read as an empty
// one, it would count as days on which nothing was posted.
type wirePage struct {
	Total   *int64            `json:"totalRecords"`
	Notices []json.RawMessage `json:"opportunitiesData"`
}

// A page is one that was checked.
type page struct {
	total   int64
	notices []json.RawMessage
}

// A wireNotice is a notice as the service writes it. Its oddities end here: texts
// that are "None", objects of which all is empty, amounts that are texts, objects
// where others have a text.
type wireNotice struct {
	NoticeID       text            `json:"noticeId"`
	Title          text            `json:"title"`
	Number         text            `json:"solicitationNumber"`
	Path           text            `json:"fullParentPathName"`
	PathCode       text            `json:"fullParentPathCode"`
	Posted         text            `json:"postedDate"`
	Type           text            `json:"type"`
	BaseType       text            `json:"baseType"`
	ArchiveType    text            `json:"archiveType"`
	ArchiveDate    text            `json:"archiveDate"`
	SetAside       text            `json:"typeOfSetAside"`
	SetAsideText   text            `json:"typeOfSetAsideDescription"`
	Deadline       text            `json:"responseDeadLine"`
	NAICS          text            `json:"naicsCode"`
	NAICSCodes     []text          `json:"naicsCodes"`
	Classification text            `json:"classificationCode"`
	Active         text            `json:"active"`
	Award          json.RawMessage `json:"award"`
	Contacts       json.RawMessage `json:"pointOfContact"`
	Description    text            `json:"description"`
	Organization   text            `json:"organizationType"`
	Office         json.RawMessage `json:"officeAddress"`
	Place          json.RawMessage `json:"placeOfPerformance"`
	MoreInfo       text            `json:"additionalInfoLink"`
	Link           text            `json:"uiLink"`
	Resources      []text          `json:"resourceLinks"`
}

// A text is a string, or what stands in its place: a number is its digits; null,
// "None", "null" and white space are "".
type text string

// UnmarshalJSON implements json.Unmarshaler. It never fails: a notice with an
// object where a text belongs is still a notice.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	var s string
	switch {
	case len(b) > 0 && b[0] == '"':
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	case len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9'), string(b) == "true", string(b) == "false":
		s = string(b)
	}
	if s = strings.TrimSpace(s); !strings.EqualFold(s, "none") && !strings.EqualFold(s, "null") {
		*t = text(s)
	}
	return nil
}

// ptr is nil for nothing.
func (t text) ptr() *string {
	if t == "" {
		return nil
	}
	s := string(t)
	return &s
}

// tidy decodes any JSON and drops what is empty in it: nulls, empty texts and
// "None", and objects and lists that have nothing else. The result is nil when
// nothing is left. Text keys stay in order of their names, so that the same value
// always gives the same bytes.
func tidy(raw json.RawMessage) (json.RawMessage, any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if len(raw) == 0 || d.Decode(&v) != nil {
		return nil, nil
	}
	if v = prune(v); v == nil {
		return nil, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil, nil
	}
	return bytes.TrimSpace(b.Bytes()), v
}

func prune(v any) any {
	switch v := v.(type) {
	case string:
		if s := strings.TrimSpace(v); s != "" && !strings.EqualFold(s, "none") && !strings.EqualFold(s, "null") {
			return s
		}
		return nil
	case []any:
		var kept []any
		for _, e := range v {
			if e = prune(e); e != nil {
				kept = append(kept, e)
			}
		}
		if kept == nil {
			return nil
		}
		return kept
	case map[string]any:
		for name, e := range v {
			if e = prune(e); e != nil {
				v[name] = e
			} else {
				delete(v, name)
			}
		}
		if len(v) == 0 {
			return nil
		}
	}
	return v
}

// at follows names through objects; "" when there is no text or number.
func at(v any, names ...string) string {
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[name]
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// amount reads a number that is a text, perhaps with a dollar sign and commas.
func amount(s string) (*float64, error) {
	plain := strings.NewReplacer("$", "", ",", "", " ", "").Replace(s)
	if plain == "" {
		return nil, nil
	}
	v, err := strconv.ParseFloat(plain, 64)
	if err != nil || v != v || v > 1e18 || v < -1e18 {
		return nil, fmt.Errorf("%q is no amount", s)
	}
	return &v, nil
}

// withoutKey takes the key out of a link: some end in ?api_key=null&token=, and
// what is stored must not have one. What is no link is "".
func withoutKey(link text) string {
	u, err := url.Parse(string(link))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	u.User = nil
	query := u.Query()
	for name, values := range query {
		if strings.EqualFold(name, "api_key") || strings.EqualFold(name, "token") && strings.Join(values, "") == "" {
			delete(query, name)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}
