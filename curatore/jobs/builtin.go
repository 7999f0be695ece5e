package jobs

import "slices"

// The names of the built-in queues.
const (
	QueueExtraction  = "extraction"
	QueueSAM         = "sam"
	QueueScrape      = "scrape"
	QueueSharePoint  = "sharepoint"
	QueueSalesforce  = "salesforce"
	QueueMaintenance = "maintenance"
)

// BuiltinQueues returns the queues of the built-in connections and of
// maintenance. Each is there when a job names it; declare it to give it other
// limits. The slice is the caller's to change.
func BuiltinQueues() []Queue {
	return []Queue{
		{Name: QueueExtraction, Label: "Text extraction", Description: "Text out of files.", Icon: "file", Color: "violet", PerProcess: 2},
		{Name: QueueSAM, Label: "SAM.gov", Description: "Federal notices, under the daily quota of the source.", Icon: "notice", Color: "blue", Concurrency: 1},
		{Name: QueueScrape, Label: "Websites", Description: "Pages of websites, politely.", Icon: "globe", Color: "teal", Concurrency: 4},
		{Name: QueueSharePoint, Label: "SharePoint", Description: "Document libraries.", Icon: "folder", Color: "indigo"},
		{Name: QueueSalesforce, Label: "Salesforce", Description: "Exports of a CRM.", Icon: "cloud", Color: "sky"},
		{Name: QueueMaintenance, Label: "Maintenance", Description: "What keeps the database small and right.", Icon: "wrench", Color: "gray", Concurrency: 1},
	}
}

// builtin returns one of them by its name.
func builtin(name string) (Queue, bool) {
	all := BuiltinQueues()
	i := slices.IndexFunc(all, func(q Queue) bool { return q.Name == name })
	if i < 0 {
		return Queue{}, false
	}
	return all[i], true
}
