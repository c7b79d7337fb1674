-- What release 0.1.0 leaves: two open calls, one that ended, eight records, a heartbeat.
BEGIN TRANSACTION;
CREATE TABLE heartbeat (
	instance TEXT NOT NULL, 
	alive BIGINT NOT NULL, 
	PRIMARY KEY (instance)
);
INSERT INTO "heartbeat" VALUES('tollbar',1700000010500);
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('schema_version','1');
CREATE TABLE open_call (
	tenant TEXT NOT NULL, 
	record_id TEXT NOT NULL, 
	instance TEXT NOT NULL, 
	draft TEXT NOT NULL, 
	trunk TEXT NOT NULL, 
	tries INTEGER NOT NULL, 
	b_call_id TEXT NOT NULL, 
	ringing BIGINT, 
	answer BIGINT, 
	kept BLOB NOT NULL, 
	PRIMARY KEY (tenant, record_id)
);
INSERT INTO "open_call" VALUES('default','00000000000000000000000000000010','tollbar','[1,"00000000000000000000000000000010","default","out","pbx","",0,"a@pbx","","alice","1001","","1001","919195551234","+19195551234","long_distance","carriers","0214","Smith, vs. Jönes","header","",8,"","",0,0,"",1700000000000,null,null,null,0,0,false,"",[["caller","alice by P-Asserted-Identity"],["matrix","row 8: \"placed\""]]]','carrier',1,'b1@tollbar',NULL,NULL,X'00FF7472696564');
INSERT INTO "open_call" VALUES('default','00000000000000000000000000000011','tollbar','[1,"00000000000000000000000000000011","default","out","pbx","",0,"a@pbx","","alice","1001","","1001","919195551234","+19195551234","long_distance","carriers","","","","",8,"","",0,0,"",1700000000000,null,null,null,0,0,false,"",[["caller","alice by P-Asserted-Identity"],["matrix","row 8: \"placed\""]]]','carrier',1,'b1@tollbar',1700000001000,1700000002000,X'616E737765726564');
INSERT INTO "open_call" VALUES('blue','00000000000000000000000000000012','tollbar','[1,"00000000000000000000000000000012","blue","out","pbx","",0,"a@pbx","","alice","1001","","1001","919195551234","+19195551234","long_distance","carriers","0214","Smith, vs. Jönes","header","",8,"","",0,0,"",1700000000000,null,null,null,0,0,false,"",[["caller","alice by P-Asserted-Identity"],["matrix","row 8: \"placed\""]]]','carrier',1,'b1@tollbar',NULL,1700000002000,X'627965');
CREATE TABLE record (
	seq INTEGER NOT NULL, 
	record_id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	peer TEXT NOT NULL, 
	trunk TEXT NOT NULL, 
	tries INTEGER NOT NULL, 
	a_call_id TEXT NOT NULL, 
	b_call_id TEXT NOT NULL, 
	user TEXT NOT NULL, 
	extension TEXT NOT NULL, 
	workgroup TEXT NOT NULL, 
	caller TEXT NOT NULL, 
	dialled TEXT NOT NULL, 
	standardized TEXT NOT NULL, 
	classification TEXT NOT NULL, 
	dial_group TEXT NOT NULL, 
	account_code TEXT NOT NULL, 
	account_code_description TEXT NOT NULL, 
	code_source TEXT NOT NULL, 
	code_changes TEXT NOT NULL, 
	matrix_row INTEGER NOT NULL, 
	outcome TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	sip_status INTEGER NOT NULL, 
	q850_cause INTEGER NOT NULL, 
	ended_by TEXT NOT NULL, 
	setup BIGINT NOT NULL, 
	ringing BIGINT, 
	answer BIGINT, 
	"end" BIGINT NOT NULL, 
	ring_ms BIGINT NOT NULL, 
	billable_ms BIGINT NOT NULL, 
	in_report INTEGER NOT NULL, 
	parent_record_id TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (tenant, record_id)
);
INSERT INTO "record" VALUES(1,'00000000000000000000000000000001','blue','out','pbx','carrier',1,'','','alice','1001','','1001','919195551234','+19195551234','','','001235','Smith','','',0,'answered','',200,16,'caller',1700000001000,1700000001200,1700000002000,1700000062000,800,60000,1,'','[["matrix","row 8"]]');
INSERT INTO "record" VALUES(2,'00000000000000000000000000000002','default','out','pbx','carrier',1,'','','alice','1001','','1001','919195551234','+19195551234','','','0214','Smith','','',0,'answered','',200,16,'caller',1700000002000,1700000002200,1700000003000,1700000063000,800,60000,1,'','[["matrix","row 8"]]');
INSERT INTO "record" VALUES(3,'00000000000000000000000000000003','blue','out','pbx','carrier',1,'','','alice','1001','','1001','919195551234','+19195551234','','','1','Smith','','',0,'answered','',200,16,'caller',1700000003000,1700000003200,NULL,1700000064000,800,60000,1,'','[["matrix","row 8"]]');
INSERT INTO "record" VALUES(4,'00000000000000000000000000000004','default','out','pbx','carrier',1,'','','alice','1001','','1001','919195551234','+19195551234','','','1234','Smith','','',0,'answered','',200,16,'caller',1700000004000,1700000004200,1700000005000,1700000065000,800,60000,1,'','[["matrix","row 8"]]');
INSERT INTO "record" VALUES(5,'00000000000000000000000000000005','blue','out','pbx','carrier',1,'','','alice','1001','','1001','919195551234','+19195551234','','','20','Smith','','',0,'answered','',200,16,'caller',1700000005000,1700000005200,1700000006000,1700000066000,800,60000,1,'','[["matrix","row 8"]]');
INSERT INTO "record" VALUES(6,'00000000000000000000000000000006','default','out','pbx','carrier',1,'','','alice','1001','','1001','919195551234','+19195551234','','','213','Smith','','',0,'answered','',200,16,'caller',1700000006000,1700000006200,NULL,1700000067000,800,60000,1,'','[["matrix","row 8"]]');
INSERT INTO "record" VALUES(7,'00000000000000000000000000000007','blue','out','pbx','carrier',1,'','','alice','1001','','1001','919195551234','+19195551234','','','3','Smith','','',0,'answered','',200,16,'caller',1700000007000,1700000007200,1700000008000,1700000068000,800,60000,1,'','[["matrix","row 8"]]');
INSERT INTO "record" VALUES(8,'00000000000000000000000000000012','blue','out','pbx','carrier',1,'a@pbx','b1@tollbar','alice','1001','','1001','919195551234','+19195551234','long_distance','carriers','0214','Smith, vs. Jönes','header','',8,'answered','',200,16,'caller',1700000000000,NULL,1700000002000,1700000009000,0,7000,1,'','[["caller","alice by P-Asserted-Identity"],["matrix","row 8: \"placed\""]]');
CREATE INDEX record_dated ON record (tenant, coalesce(answer, setup));
COMMIT;
