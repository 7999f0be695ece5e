package samgov

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// Solicitation is what notices with the same number are about. It is made of them:
// what it is now stands in the last one, when it began in the first.
type Solicitation struct {
	content.Record
	Number         string     `db:"solicitation_number" content:"key" label:"Solicitation number"`
	Title          string     `db:"title" content:"title,sort"`
	Type           *string    `db:"type" content:"facet,category" description:"Of the last notice."`
	Active         bool       `db:"active" content:"filter" description:"One of its notices is active."`
	Agency         *string    `db:"agency" content:"facet"`
	Office         *string    `db:"office" content:"search"`
	FirstPosted    *time.Time `db:"first_posted_date" content:"date,filter,sort"`
	LastPosted     *time.Time `db:"last_posted_date" content:"date,filter,sort"`
	Deadline       *time.Time `db:"response_deadline" content:"filter,sort"`
	SetAside       *string    `db:"set_aside" content:"facet" label:"Set-aside"`
	NAICS          *string    `db:"naics_code" content:"facet" label:"NAICS"`
	Classification *string    `db:"classification_code" content:"facet"`
	State          *string    `db:"place_state" content:"facet" label:"State"`
	Notices        int64      `db:"notice_count" content:"sort"`
	LastNotice     string     `db:"last_notice_id" content:"filter,unindexed"`
	Awardee        *string    `db:"awardee" content:"search,filter"`
	AwardAmount    *float64   `db:"award_amount" content:"sort" description:"US dollars."`
	Contact        *string    `db:"contact_name" content:"search"`
	Link           *string    `db:"ui_link" content:"url"`
	Description    *string    `db:"description" content:"text"`
}

var solicitations = content.Define(content.Spec[Solicitation]{
	Name: "sam_solicitation", Label: "Solicitation", FormalName: "SAM.gov Solicitation", Group: "sam",
	Display:     map[string]string{"search": "SAM.gov Solicitation"},
	Description: "What the notices with one solicitation number on SAM.gov are about.",
	Icon:        "briefcase", Color: "blue",
	Children: []content.Child{{Type: "sam_notice", Relation: "notices", Label: "Notices"}},
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

// solicitations makes the solicitations of the notices that are stored. It reads
// them in the order of their numbers, and only when one has changed since.
func (s *session) solicitations() connectors.Stream {
	return connectors.Stream{Type: solicitations, Mode: connectors.Incremental, Read: func(ctx context.Context, from string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			newest, err := s.newest(ctx)
			if err != nil {
				yield(connectors.Record{}, err)
				return
			}
			if newest == "" || newest == from {
				return
			}
			var group []*Notice
			give := func() bool {
				if len(group) == 0 {
					return true
				}
				defer func() { group = group[:0] }()
				return yield(connectors.Record{Row: solicitationOf(group)}, nil)
			}
			for row, err := range s.in.Stored.Each(ctx, notices, store.Query{Limit: 1000, Order: []store.Order{{Field: "solicitation_number"}},
				Filters: []content.Filter{{Field: "solicitation_number", Op: content.NotNull}}}) {
				if err != nil {
					yield(connectors.Record{}, err)
					return
				}
				n, ok := row.(*Notice)
				if !ok {
					yield(connectors.Record{}, fmt.Errorf("%w: a notice is stored as a %T", content.ErrInvalid, row))
					return
				}
				if len(group) > 0 && *group[0].SolicitationNumber != *n.SolicitationNumber && !give() {
					return
				}
				group = append(group, n)
			}
			if give() {
				yield(connectors.Record{Position: connectors.Text(newest)}, nil)
			}
		}
	}}
}

// newest is when a notice was last changed, or "".
func (s *session) newest(ctx context.Context) (string, error) {
	for row, err := range s.in.Stored.Each(ctx, notices, store.Query{Limit: 1, Order: []store.Order{{Field: "updated_at", Desc: true}}}) {
		if err != nil {
			return "", err
		}
		return content.RecordOf(row).UpdatedAt.UTC().Format(time.RFC3339Nano), nil
	}
	return "", nil
}

// solicitationOf puts notices of one number together.
func solicitationOf(group []*Notice) *Solicitation {
	slices.SortFunc(group, func(a, b *Notice) int {
		if c := postedOf(a).Compare(postedOf(b)); c != 0 {
			return c
		}
		return strings.Compare(a.NoticeID, b.NoticeID)
	})
	last := group[len(group)-1]
	s := &Solicitation{Number: *last.SolicitationNumber, Title: last.Title, Type: last.Type, Agency: last.Agency, Office: last.Office,
		FirstPosted: group[0].Posted, LastPosted: last.Posted, Notices: int64(len(group)), LastNotice: last.NoticeID, Link: last.Link}
	for _, n := range group { // the last one that says something about it
		s.Active = s.Active || n.Active
		keep(&s.Deadline, n.Deadline)
		keep(&s.SetAside, n.SetAside)
		keep(&s.NAICS, n.NAICS)
		keep(&s.Classification, n.Classification)
		keep(&s.State, n.State)
		keep(&s.Awardee, n.Awardee)
		keep(&s.AwardAmount, n.AwardAmount)
		keep(&s.Contact, n.ContactName)
		keep(&s.Description, n.Description)
	}
	return s
}

func keep[T any](at **T, v *T) {
	if v != nil {
		*at = v
	}
}

func postedOf(n *Notice) time.Time {
	if n.Posted == nil {
		return time.Time{}
	}
	return *n.Posted
}
