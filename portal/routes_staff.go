package portal

import "sluice/infra/account"

// staffRoutes are the pages of the foundation's staff.
func (s *Server) staffRoutes() {
	desk, signer, auditor := account.Desk, account.Representative, account.Auditor
	steward, operator := account.Steward, account.Operator

	s.staff("GET /queues/{kind}", s.queuePage, desk, signer)
	s.staff("GET /requests", s.requestList, desk, signer, auditor)
	s.staff("GET /requests/new", s.newRequest, desk)
	s.staff("POST /requests/new", s.recordRequest, desk)
	s.staff("GET /requests/{number}", s.requestPage, desk, signer, auditor)
	s.staff("GET /requests/{number}/revise", s.revisePage, desk)
	s.staff("POST /requests/{number}/revise", s.reviseRequest, desk)
	for _, act := range staffActs {
		path := "/requests/{number}/" + act.path()
		s.staff("GET "+path, s.actPage(act), act.roles()...)
		if done := s.staff("POST "+path, s.actDone(act), act.roles()...); act.files {
			done.files()
		}
	}
	s.staff("GET /requests/{number}/amendments/{amendment}/authority", s.authorityFile, desk, signer, auditor)
	s.staff("POST /requests/{number}/parties/{part}/invite", s.inviteAgain, desk)
	s.staff("POST /requests/{number}/contacts/{contact}/invite", s.inviteContactAgain, desk)

	s.staff("GET /collections", s.collectionList, desk, steward, auditor)
	s.staff("GET /collections/new", s.newCollection, steward)
	s.staff("POST /collections/new", s.addCollection, steward)
	s.staff("GET /collections/{name}", s.collectionPage, desk, steward, auditor)
	s.staff("GET /datasets/{id}", s.datasetPage, desk, steward, auditor)

	s.staff("GET /staff", s.staffList, desk, operator, auditor)
	s.staff("GET /staff/new", s.newStaff, desk, operator)
	s.staff("POST /staff/new", s.addStaff, desk, operator)
	s.staff("POST /staff/invitations/{id}/again", s.inviteStaff, desk, operator)
	s.staff("GET /staff/invitations/{id}/withdraw", s.withdrawStaffPage, desk, operator)
	s.staff("POST /staff/invitations/{id}/withdraw", s.withdrawStaff, desk, operator)
	s.staff("GET /staff/tasks/{id}", s.staffTaskPage, desk, operator)
	s.staff("POST /staff/tasks/{id}", s.decideStaffTask, desk, operator)
	s.staff("POST /people", s.findPerson, desk, operator)
	s.staff("GET /people/{person}", s.personPage, desk, operator, auditor)
	s.staff("GET /people/{person}/{act}", s.personActPage, desk, operator)
	s.staff("POST /people/{person}/{act}", s.personActDone, desk, operator)

	s.staff("GET /stop", s.stopPage, operator)
	s.staff("POST /stop", s.stopDone, operator)
	s.staff("GET /jobs", s.jobList, operator, desk, auditor)
	s.staff("POST /jobs/{id}/retry", s.retryJob, operator)
	s.staff("GET /log", s.logPage, auditor)
}
