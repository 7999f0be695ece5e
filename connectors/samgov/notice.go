package samgov

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

// Notice is one publication: a presolicitation, a solicitation, an amendment, an
// award.
type Notice struct {
	content.Record
	NoticeID           string          `db:"notice_id" content:"key" label:"Notice id"`
	Title              string          `db:"title" content:"title,sort"`
	SolicitationNumber *string         `db:"solicitation_number" content:"search,filter,sort"`
	SolicitationID     *string         `db:"solicitation_id" content:"parent=sam_solicitation,from=solicitation_number,unindexed"`
	Type               *string         `db:"type" content:"facet,category"`
	BaseType           *string         `db:"base_type" content:"filter" label:"Original type"`
	Active             bool            `db:"active" content:"filter"`
	Agency             *string         `db:"agency" content:"facet" description:"The department or independent agency."`
	Office             *string         `db:"office" content:"search" description:"All levels, from the department down."`
	OfficeCode         *string         `db:"office_code" content:"filter"`
	Posted             *time.Time      `db:"posted_date" content:"date,filter,sort"`
	Deadline           *time.Time      `db:"response_deadline" content:"filter,sort"`
	ArchiveDate        *time.Time      `db:"archive_date" content:"date,filter"`
	ArchiveType        *string         `db:"archive_type" content:"metadata"`
	SetAside           *string         `db:"set_aside" content:"facet" label:"Set-aside"`
	SetAsideText       *string         `db:"set_aside_description" content:"search" label:"Set-aside description"`
	NAICS              *string         `db:"naics_code" content:"facet" label:"NAICS"`
	NAICSCodes         json.RawMessage `db:"naics_codes" content:"metadata"`
	Classification     *string         `db:"classification_code" content:"facet"`
	State              *string         `db:"place_state" content:"facet" label:"State"`
	City               *string         `db:"place_city" content:"search" label:"City"`
	Place              json.RawMessage `db:"place_of_performance" content:"metadata"`
	OfficeAddress      json.RawMessage `db:"office_address" content:"metadata"`
	Contacts           json.RawMessage `db:"points_of_contact" content:"metadata" description:"Type, full name, title, e-mail, phone, fax of each."`
	ContactName        *string         `db:"contact_name" content:"search" label:"Contact"`
	ContactEmail       *string         `db:"contact_email" content:"filter" label:"Contact e-mail"`
	Awardee            *string         `db:"awardee" content:"search,filter"`
	AwardAmount        *float64        `db:"award_amount" content:"sort" description:"US dollars."`
	AwardDate          *time.Time      `db:"award_date" content:"date,filter"`
	AwardNumber        *string         `db:"award_number" content:"search,filter"`
	Award              json.RawMessage `db:"award" content:"metadata"`
	OrganizationType   *string         `db:"organization_type" content:"metadata"`
	MoreInfo           *string         `db:"additional_info_link" content:"metadata"`
	Link               *string         `db:"ui_link" content:"url"`
	Resources          json.RawMessage `db:"resource_links" content:"metadata" description:"Addresses of the attachments, without a key."`
	DescriptionLink    *string         `db:"description_link" content:"hidden"`
	Description        *string         `db:"description" content:"text"`
	DescribedAt        *time.Time      `db:"described_at" content:"filter,unindexed" description:"When the description was fetched."`
}

var notices = content.Define(content.Spec[Notice]{
	Name: "sam_notice", Label: "Notice", FormalName: "SAM.gov Notice", Group: "sam",
	Display:     map[string]string{"search": "SAM.gov Notice"},
	Description: "A publication on SAM.gov: a presolicitation, a solicitation, an amendment, an award.",
	Icon:        "notice", Color: "indigo", History: true,
	Children: []content.Child{{Type: "asset", Relation: "attachments", Label: "Attachments", OnDelete: content.Cascade}},
	Statistics: []content.Statistic{
		{Name: "total"},
		{Name: "active", Filters: active},
		{Name: "active_by_type", Filters: active, GroupBy: "type"},
		{Name: "active_by_agency", Filters: active, GroupBy: "agency"},
		{Name: "due_in_7_days", Filters: active, Due: "response_deadline", Days: 7},
		{Name: "due_in_14_days", Filters: active, Due: "response_deadline", Days: 14},
		{Name: "due_in_30_days", Filters: active, Due: "response_deadline", Days: 30},
	},
})

var active = []content.Filter{{Field: "active", Op: content.Equal, Values: []string{"true"}}}

// record reads a notice. What cannot be read is left out and told.
func record(raw json.RawMessage) connectors.Record {
	var w wireNotice
	if err := json.Unmarshal(raw, &w); err != nil {
		return connectors.Record{Key: keyOf(raw), Raw: raw, Err: fmt.Errorf("%w: the notice cannot be read: %w", content.ErrInvalid, err)}
	}
	if w.NoticeID == "" {
		return connectors.Record{Raw: raw, Err: fmt.Errorf("%w: the notice has no noticeId", content.ErrInvalid)}
	}
	r := connectors.Record{}
	bad := func(column, value string, err error) {
		if err != nil {
			r.Values = append(r.Values, connectors.BadValue{Column: column, Value: value, Err: err})
		}
	}
	n := &Notice{Record: content.Record{Raw: raw}, NoticeID: string(w.NoticeID), Title: string(w.Title), SolicitationNumber: w.Number.ptr(),
		Type: w.Type.ptr(), BaseType: w.BaseType.ptr(), Active: strings.EqualFold(string(w.Active), "yes") || w.Active == "true",
		Office: w.Path.ptr(), OfficeCode: w.PathCode.ptr(), ArchiveType: w.ArchiveType.ptr(), SetAside: w.SetAside.ptr(), SetAsideText: w.SetAsideText.ptr(),
		NAICS: w.NAICS.ptr(), Classification: w.Classification.ptr(), OrganizationType: w.Organization.ptr(), MoreInfo: w.MoreInfo.ptr(),
		Link: text(withoutKey(w.Link)).ptr(), DescriptionLink: text(withoutKey(w.Description)).ptr()}
	if n.DescriptionLink == nil { // some give the text itself
		n.Description = text(plain(string(w.Description))).ptr()
	}
	if agency, _, _ := strings.Cut(string(w.Path), "."); agency != "" {
		n.Agency = text(strings.TrimSpace(agency)).ptr()
	}
	var err error
	n.Posted, err = day(w.Posted)
	bad("postedDate", string(w.Posted), err)
	n.Deadline, err = instant(w.Deadline)
	bad("responseDeadLine", string(w.Deadline), err)
	n.ArchiveDate, err = day(w.ArchiveDate)
	bad("archiveDate", string(w.ArchiveDate), err)

	var place, award, contacts any
	n.Place, place = tidy(w.Place)
	n.State = text(cmp.Or(at(place, "state", "code"), at(place, "state"))).ptr()
	n.City = text(cmp.Or(at(place, "city", "name"), at(place, "city"))).ptr()
	n.OfficeAddress, _ = tidy(w.Office)
	n.Award, award = tidy(w.Award)
	n.AwardNumber = text(at(award, "number")).ptr()
	n.AwardAmount, err = amount(at(award, "amount"))
	bad("award.amount", at(award, "amount"), err)
	n.AwardDate, err = day(text(at(award, "date")))
	bad("award.date", at(award, "date"), err)
	n.Awardee = text(cmp.Or(at(award, "awardee", "name"), at(award, "awardee"))).ptr()
	n.Contacts, contacts = tidy(w.Contacts)
	n.ContactName, n.ContactEmail = firstContact(contacts)
	n.NAICSCodes, n.Resources = list(w.NAICSCodes, nil), list(w.Resources, withoutKey)
	if n.NAICS == nil && len(w.NAICSCodes) > 0 {
		n.NAICS = w.NAICSCodes[0].ptr()
	}
	r.Row = n
	return r
}

// keyOf looks for the id in what is not quite a notice.
func keyOf(raw json.RawMessage) string {
	var k struct {
		ID any `json:"noticeId"`
	}
	if err := json.Unmarshal(raw, &k); err != nil && !errors.As(err, new(*json.UnmarshalTypeError)) {
		return ""
	}
	s, _ := k.ID.(string)
	return s
}

// firstContact is the primary one, or the first.
func firstContact(v any) (name, email *string) {
	all, _ := v.([]any)
	var chosen any
	for _, c := range all {
		if chosen == nil || strings.EqualFold(at(c, "type"), "primary") {
			chosen = c
		}
	}
	return text(at(chosen, "fullName")).ptr(), text(at(chosen, "email")).ptr()
}

// list encodes the texts that are any; nil for none.
func list(all []text, change func(text) string) json.RawMessage {
	var kept []string
	for _, t := range all {
		s := string(t)
		if change != nil {
			s = change(t)
		}
		if s != "" {
			kept = append(kept, s)
		}
	}
	if kept == nil {
		return nil
	}
	b, _ := json.Marshal(kept) // texts always encode
	return b
}
