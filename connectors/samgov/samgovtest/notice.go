package samgovtest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Notice is one that a Server has.
type Notice struct {
	ID, Number, Title, Path string
	Type                    string // a letter
	Day                     time.Time
	NAICS, SetAside, State  string
	Active                  bool
	Deadline                string
	Text                    string   // of its description; "" has none
	Files                   []string // what its attachments hold
	Odd                     int      // which oddities it has; 0 is none
	Raw                     string   // in place of all of it
}

var names = map[string]string{"u": "Justification", "p": "Presolicitation", "a": "Award Notice", "r": "Sources Sought", "s": "Special Notice",
	"o": "Solicitation", "g": "Sale of Surplus Property", "k": "Combined Synopsis/Solicitation"}

// Generate makes n notices, evenly over the days from one on. The same arguments
// give the same notices. Three of four have a number that they share with up to two
// others; oddities are spread over all.
func Generate(n int, from time.Time, days int) []*Notice {
	types := []string{"p", "o", "k", "a", "r", "s", "o", "g"}
	agencies := []string{"DEPT OF DEFENSE.DEPT OF THE NAVY.NAVSEA", "DEPT OF DEFENSE.DEPT OF THE ARMY.AMC", "GENERAL SERVICES ADMINISTRATION.FAS", "VETERANS AFFAIRS, DEPARTMENT OF.VHA"}
	things := []string{"Cloud Migration", "Help Desk", "Janitorial Services", "Turbine Spare Parts", "Cyber Security Assessment", "Boiler Repair"}
	naics := []string{"541512", "561720", "336412", "238220"}
	setAsides := []string{"SBA", "", "8A", "None", "SDVOSBC"}
	states := []string{"VA", "CA", "TX", "AZ"}
	from = from.UTC().Truncate(24 * time.Hour)
	notices := make([]*Notice, n)
	for i := range notices {
		number := ""
		if i%4 != 3 {
			number = fmt.Sprintf("W%06d-26-R-%04d", i/4, i/4%10000)
		}
		day := from.AddDate(0, 0, i*days/max(n, 1))
		notices[i] = &Notice{
			ID: fmt.Sprintf("%032x", i+1), Number: number, Title: fmt.Sprintf("%s, lot %d", things[i%len(things)], i), Path: agencies[i/3%len(agencies)],
			Type: types[i%len(types)], Day: day, NAICS: naics[i%len(naics)], SetAside: setAsides[i%len(setAsides)], State: states[i%len(states)],
			Active: i%5 != 0, Deadline: day.AddDate(0, 0, 30).Format("2006-01-02T15:04:05-05:00"), Odd: i % 8,
			Text:  fmt.Sprintf("<p>The agency needs <b>%s</b> &amp; support.</p><ul><li>Item %d</li></ul>", things[i%len(things)], i),
			Files: []string{fmt.Sprintf("Statement of work %d: %s.", i, things[i%len(things)])},
		}
		if i%11 == 10 {
			notices[i].Text = ""
		}
	}
	return notices
}

// filesPath is where attachments are.
const filesPath = "/prod/opportunities/v3/opportunities/resources/files/"

// json writes a notice as the service does.
func (n *Notice) json(base string) json.RawMessage {
	if n.Raw != "" {
		return json.RawMessage(n.Raw)
	}
	yes := "No"
	if n.Active {
		yes = "Yes"
	}
	links := make([]string, len(n.Files))
	for i := range n.Files {
		links[i] = base + filesPath + n.ID + "-" + strconv.Itoa(i) + "/download?api_key=null&token="
	}
	m := map[string]any{
		"noticeId": n.ID, "title": n.Title, "solicitationNumber": n.Number, "fullParentPathName": n.Path, "fullParentPathCode": "017.1700.N00024",
		"postedDate": n.Day.Format(time.DateOnly), "type": names[n.Type], "baseType": names[n.Type], "archiveType": "auto15", "archiveDate": n.Day.AddDate(0, 2, 0).Format(time.DateOnly),
		"typeOfSetAside": n.SetAside, "typeOfSetAsideDescription": nil, "responseDeadLine": n.Deadline, "naicsCode": n.NAICS, "naicsCodes": []string{n.NAICS},
		"classificationCode": "D302", "active": yes, "award": nil,
		"pointOfContact": []any{
			map[string]any{"fax": nil, "type": "secondary", "email": "second@example.gov", "phone": "", "title": nil, "fullName": "Second Person"},
			map[string]any{"fax": "", "type": "primary", "email": "first@example.gov", "phone": "520-555-0100", "title": nil, "fullName": "First Person"},
		},
		"description": base + "/prod/opportunities/v1/noticedesc?noticeid=" + n.ID, "organizationType": "OFFICE",
		"officeAddress":      map[string]any{"zipcode": "20376", "city": "WASHINGTON", "countryCode": "USA", "state": "DC"},
		"placeOfPerformance": map[string]any{"city": map[string]any{"code": "77000", "name": "Tucson"}, "state": map[string]any{"code": n.State, "name": "State"}, "zip": "85701", "country": map[string]any{"code": "USA", "name": "UNITED STATES"}},
		"additionalInfoLink": nil, "uiLink": "https://sam.gov/opp/" + n.ID + "/view", "links": []any{map[string]any{"rel": "self", "href": base + "/prod/opportunities/v2/search?noticeid=" + n.ID + "&limit=1"}},
		"resourceLinks": links,
	}
	if n.Number == "" {
		m["solicitationNumber"] = nil
	}
	switch n.Odd {
	case 1:
		m["typeOfSetAside"], m["typeOfSetAsideDescription"] = nil, "None"
	case 2:
		m["award"] = map[string]any{"awardee": map[string]any{}}
	case 3:
		m["officeAddress"], m["placeOfPerformance"] = map[string]any{"zipcode": "", "city": "", "countryCode": "", "state": ""}, map[string]any{}
		m["award"] = map[string]any{"date": n.Day.Format(time.DateOnly), "number": "N0002426C" + n.ID[28:], "amount": "1234567.89",
			"awardee": map[string]any{"name": "ACME LLC", "ueiSAM": "ABC123", "location": map[string]any{"city": map[string]any{}, "state": map[string]any{}}}}
	case 4:
		m["resourceLinks"], m["pointOfContact"], m["naicsCodes"], m["naicsCode"] = nil, nil, []string{n.NAICS, "541519"}, nil
	case 5:
		m["responseDeadLine"], m["officeAddress"], m["active"] = nil, "", strings.ToUpper(yes)
	case 6:
		m["responseDeadLine"], m["pointOfContact"] = n.Day.AddDate(0, 0, 20).Format(time.DateOnly), []any{}
	case 7:
		m["award"], m["uiLink"] = map[string]any{"amount": "$2,000,000", "number": ""}, "null"
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // maps of texts
	}
	return b
}
