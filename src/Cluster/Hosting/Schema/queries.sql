-- The queries of Orleans' providers: each is stored under the key in the line before it. Keys, parameters and names of results are theirs.
-- A change of membership counts only if the version is the one that the silo has read.

--: MembershipReadAllKey
SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version
FROM OrleansMembershipVersionTable v LEFT JOIN OrleansMembershipTable m USING (DeploymentId)
WHERE v.DeploymentId = @DeploymentId

--: MembershipReadRowKey
SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version
FROM OrleansMembershipVersionTable v
LEFT JOIN OrleansMembershipTable m ON (m.DeploymentId, m.Address, m.Port, m.Generation) = (v.DeploymentId, @Address, @Port, @Generation)
WHERE v.DeploymentId = @DeploymentId

--: GatewaysQueryKey
SELECT Address, ProxyPort, Generation FROM OrleansMembershipTable
WHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0

--: InsertMembershipVersionKey
WITH added AS (INSERT INTO OrleansMembershipVersionTable (DeploymentId) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING 1)
SELECT count(*)::integer FROM added

--: InsertMembershipKey
WITH counted AS
(
    UPDATE OrleansMembershipVersionTable SET Version = Version + 1, Timestamp = now()
    WHERE DeploymentId = @DeploymentId AND Version = @Version AND NOT EXISTS
        (SELECT FROM OrleansMembershipTable WHERE (DeploymentId, Address, Port, Generation) = (@DeploymentId, @Address, @Port, @Generation))
    RETURNING DeploymentId
), added AS
(
    INSERT INTO OrleansMembershipTable (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
    SELECT DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime FROM counted
    RETURNING 1
)
SELECT count(*)::integer FROM added

--: UpdateMembershipKey
WITH counted AS
(
    UPDATE OrleansMembershipVersionTable SET Version = Version + 1, Timestamp = now()
    WHERE DeploymentId = @DeploymentId AND Version = @Version AND EXISTS
        (SELECT FROM OrleansMembershipTable WHERE (DeploymentId, Address, Port, Generation) = (@DeploymentId, @Address, @Port, @Generation))
    RETURNING DeploymentId
), changed AS
(
    UPDATE OrleansMembershipTable m SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime FROM counted
    WHERE (m.DeploymentId, m.Address, m.Port, m.Generation) = (counted.DeploymentId, @Address, @Port, @Generation)
    RETURNING 1
)
SELECT count(*)::integer FROM changed

--: UpdateIAmAlivetimeKey
UPDATE OrleansMembershipTable SET IAmAliveTime = @IAmAliveTime
WHERE (DeploymentId, Address, Port, Generation) = (@DeploymentId, @Address, @Port, @Generation)

--: CleanupDefunctSiloEntriesKey
DELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId AND IAmAliveTime < @IAmAliveTime AND Status <> 3

--: DeleteMembershipTableEntriesKey
DELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId;
DELETE FROM OrleansMembershipVersionTable WHERE DeploymentId = @DeploymentId

--: ReadFromStorageKey
SELECT PayloadBinary, ModifiedOn, Version FROM OrleansStorage
WHERE (ServiceId, GrainTypeString, GrainIdN0, GrainIdN1, GrainIdExtensionString)
    = (@ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString::varchar, ''))

--: WriteToStorageKey
-- An unchanged or missing version in the result says that another coordinator has written meanwhile.
WITH changed AS
(
    UPDATE OrleansStorage SET PayloadBinary = @PayloadBinary, ModifiedOn = now(), Version = Version + 1
    WHERE (ServiceId, GrainTypeString, GrainIdN0, GrainIdN1, GrainIdExtensionString)
        = (@ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString::varchar, ''))
        AND Version = @GrainStateVersion::integer
    RETURNING Version
), added AS
(
    INSERT INTO OrleansStorage (ServiceId, GrainTypeString, GrainIdN0, GrainIdN1, GrainIdExtensionString, PayloadBinary, ModifiedOn, Version)
    SELECT @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString::varchar, ''), @PayloadBinary, now(), 1
    WHERE @GrainStateVersion::integer IS NULL
    ON CONFLICT DO NOTHING
    RETURNING Version
)
SELECT coalesce((SELECT Version FROM changed), (SELECT Version FROM added), @GrainStateVersion::integer) AS NewGrainStateVersion

--: ClearStorageKey
UPDATE OrleansStorage SET PayloadBinary = NULL, ModifiedOn = now(), Version = Version + 1
WHERE (ServiceId, GrainTypeString, GrainIdN0, GrainIdN1, GrainIdExtensionString)
    = (@ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString::varchar, ''))
    AND Version = @GrainStateVersion::integer
RETURNING Version AS NewGrainStateVersion

--: DeleteStorageKey
DELETE FROM OrleansStorage
WHERE (ServiceId, GrainTypeString, GrainIdN0, GrainIdN1, GrainIdExtensionString)
    = (@ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString::varchar, ''))
    AND Version = @GrainStateVersion::integer
RETURNING Version + 1 AS NewGrainStateVersion

--: UpsertReminderRowKey
INSERT INTO OrleansRemindersTable (ServiceId, GrainId, ReminderName, StartTime, Period, GrainHash, Version)
VALUES (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
ON CONFLICT (ServiceId, GrainId, ReminderName) DO UPDATE
SET StartTime = excluded.StartTime, Period = excluded.Period, GrainHash = excluded.GrainHash, Version = OrleansRemindersTable.Version + 1
RETURNING Version

--: ReadReminderRowKey
SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
WHERE (ServiceId, GrainId, ReminderName) = (@ServiceId, @GrainId, @ReminderName)

--: ReadReminderRowsKey
SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
WHERE (ServiceId, GrainId) = (@ServiceId, @GrainId)

--: ReadRangeRows1Key
SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
WHERE ServiceId = @ServiceId AND GrainHash > @BeginHash AND GrainHash <= @EndHash

--: ReadRangeRows2Key
SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
WHERE ServiceId = @ServiceId AND (GrainHash > @BeginHash OR GrainHash <= @EndHash)

--: DeleteReminderRowKey
WITH deleted AS
(
    DELETE FROM OrleansRemindersTable WHERE (ServiceId, GrainId, ReminderName) = (@ServiceId, @GrainId, @ReminderName) AND Version = @Version RETURNING 1
)
SELECT count(*)::integer FROM deleted

--: DeleteReminderRowsKey
DELETE FROM OrleansRemindersTable WHERE ServiceId = @ServiceId
