namespace Signet.Control;

/// <summary>Every number of this room that is not a setting, with its origin.</summary>
public static class ControlLimits
{
    /// <summary>Events kept for readers that resume. Chosen: half a minute of a fleet of 1,000 that reports every 10 s; about 2 MB.</summary>
    public const int FeedEvents = 4_096;

    /// <summary>Readings in one answer. Chosen: more points than a chart has pixels.</summary>
    public const int ReadingsPerQuery = 5_000;

    /// <summary>Longest life of an API token. Chosen: a year and a day, so that yearly renewal overlaps.</summary>
    public static readonly TimeSpan TokenLifetime = TimeSpan.FromDays(366);

    /// <summary>Life of this terminal's own token: INTERFACES.md.</summary>
    public static readonly TimeSpan LocalOperatorLifetime = TimeSpan.FromHours(12);

    /// <summary>Characters of a backup's passphrase at least. Chosen: with 600,000 rounds of PBKDF2 a random one of this length is out of reach.</summary>
    public const int BackupPassphrase = 12;

    /// <summary>Files in a backup. Chosen: ten for each of the devices that a fleet may have.</summary>
    public const int BackupFiles = 1_000_000;

    /// <summary>Devices in one fleet. Chosen: ten times the largest that is tested; bounds memory.</summary>
    public const int Devices = 100_000;

    /// <summary>Commands on one device's list. Chosen: a page of buttons.</summary>
    public const int AllowedCommands = 64;

    /// <summary>Intents that wait, of one device and in all. Chosen: who plans more than a hundred things for one device has a loop; in all about 30 MB of memory.</summary>
    public const int QueuedPerDevice = 100, Queued = 100_000;

    /// <summary>How long an intent may wait, and how far ahead it may be planned. Chosen: devices that sleep for weeks; beyond it nobody remembers having asked.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromDays(30);

    /// <summary>How long a planned command waits for its device when nobody said how long. Chosen: a device that is just coming back after a restart.</summary>
    public static readonly TimeSpan PlannedGrace = TimeSpan.FromMinutes(1);

    /// <summary>How long a command waits for people's approvals when nobody said how long. Chosen: until tomorrow.</summary>
    public static readonly TimeSpan ApprovalGrace = TimeSpan.FromDays(1);

    /// <summary>How often an intent is signed at most. Chosen: a device that refuses three fresh messages as too late has a wrong clock.</summary>
    public const int Attempts = 3;

    /// <summary>Connections of signet.db that stay open for the next reader, each with its statements and up to its share of page cache.</summary>
    public const int IdleReaders = 4;

    /// <summary>The broker's words that commands were delivered wait so long for others before they are written together: the receipt, which says more, is then mostly there before. Chosen: nobody sees it.</summary>
    public static readonly TimeSpan DeliveriesGathered = TimeSpan.FromMilliseconds(50);

    /// <summary>Intents on their way to the broker at once. Chosen: each waits for four flushes (log, state, the broker's sessions, state), 10 to 40 ms on a busy disk, and they share them; with eight at once a fleet got 180 a second while both cores were half idle.</summary>
    public const int DispatchesAtOnce = 32;

    /// <summary>Messages of devices worked through together, their receipts with one flush each of log and database. Chosen: what the broker may send before an acknowledgement.</summary>
    public const int IntakeBatch = 256;

    /// <summary>Pause after the center itself could not send (its link is down, its log takes nothing).</summary>
    public static readonly TimeSpan DispatchRetry = TimeSpan.FromSeconds(1);

    /// <summary>Devices a minute of a rollout, at most. Chosen: faster than this is "all at once".</summary>
    public const int RolloutPerMinute = 60_000;

    /// <summary>Answers before a rollout's error share is believed. Chosen: one failure of one answer is no share.</summary>
    public const int RolloutSample = 5;

    /// <summary>Groups, and tags, of one device. Chosen: more are a list nobody reads.</summary>
    public const int DeviceLabels = 32;

    /// <summary>Characters of a <see cref="DeviceSelection"/>. Chosen: some sixty names.</summary>
    public const int SelectionCharacters = 4_096;

    /// <summary>Different terms of a <see cref="DeviceSelection"/>, each of which is held against every device. Chosen: as many names as fit anyway.</summary>
    public const int SelectionTerms = 64;

    /// <summary>Names of which the broker remembers whether they are people's: every device of the largest fleet and some people; at most 40 MB. Whoever makes up more makes it begin anew.</summary>
    public const int RememberedNames = Devices + 20_000;

    /// <summary>Characters of names of people, tokens and titles. Chosen; <c>by.name</c> takes as many.</summary>
    public const int NameCharacters = 128;

    /// <summary>Characters of an idempotency key. Chosen: a UUID has 36, a hash 64.</summary>
    public const int IdempotencyKeyCharacters = 128;

    /// <summary>Bytes of a command's arguments as JSON. Chosen: a quarter of what a message holds.</summary>
    public const int ArgumentBytes = 16_384;

    /// <summary>Characters of what a device says about a message it refused, in the log. Chosen: our own devices' longest has 300.</summary>
    public const int DetailCharacters = 512;

    /// <summary>Commands on one page.</summary>
    public const int CommandsPerPage = 500;

    /// <summary>Time between two heartbeats of the center to one device, and how many it signs in a second at most: a fleet of more than 3,000 hears it less often. Chosen: a tenth of a core.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(30);
    public const int HeartbeatsPerSecond = 100;

    /// <summary>How long commands that wait behind one that a device works on are not called missing without another word of it; what it has answered <c>accepted</c> may take longer. Chosen: several times what a handler may take (30 s).</summary>
    public static readonly TimeSpan AtWork = TimeSpan.FromMinutes(2);

    /// <summary>Audit notes that may wait for the log. Chosen: a fleet of 10,000 that comes back at once; about 10 MB.</summary>
    public const int QueuedNotes = 16_384;

    /// <summary>Pause before an entry is offered to a log again that took nothing. Chosen: somebody freeing disk space sees the effect at once.</summary>
    public static readonly TimeSpan AuditRetry = TimeSpan.FromSeconds(1);

    /// <summary>Entries a second that strangers can cause, all sources together. Chosen: 864,000 a day, some 300 MB, at the very worst.</summary>
    public const int RepeatedEntriesPerSecond = 10;

    /// <summary>Repetitions within this time after the first become one entry with a count. Chosen.</summary>
    public static readonly TimeSpan RepeatedWindow = TimeSpan.FromSeconds(10);

    /// <summary>How often counts are looked through.</summary>
    public static readonly TimeSpan RepeatedSweep = TimeSpan.FromSeconds(1);

    /// <summary>Sources told apart at once; the rest is one sum. Chosen: about 1 MB.</summary>
    public const int RepeatedSources = 1_024;

    /// <summary>Refusals that the broker page shows.</summary>
    public const int DenialsShown = 200;

    /// <summary>Readings are written together this often: a crash loses at most as much (the device's live values, not its receipts).</summary>
    public static readonly TimeSpan TelemetryFlush = TimeSpan.FromMilliseconds(500);

    /// <summary>Readings that may wait for a disk that takes nothing; the oldest go first. Chosen: some minutes of 1,000 devices, about 20 MB.</summary>
    public const int TelemetryHeld = 100_000;

    /// <summary>How often old readings are removed.</summary>
    public static readonly TimeSpan TelemetrySweep = TimeSpan.FromMinutes(10);

    /// <summary>How long cosignatures of a checkpoint may come in before it is handed on with them. Chosen: devices on a slow line answer in a second.</summary>
    public static readonly TimeSpan WitnessSettling = TimeSpan.FromSeconds(2);

    /// <summary>Questions of witnesses that wait for an answer. Chosen: a fleet of 10,000 that asks at once; a device asks again after some seconds.</summary>
    public const int WitnessQuestions = 10_000;

    /// <summary>Between two answers to one device. Chosen: a device asks again at once when an answer led to another question.</summary>
    public static readonly TimeSpan WitnessPause = TimeSpan.FromMilliseconds(250);

    /// <summary>Devices that were handed a checkpoint and have neither asked about it nor cosigned it yet. Chosen: their questions are answered well within a device's patience (4 s) on one core that does other work too.</summary>
    public const int WitnessesAtOnce = 256;

    /// <summary>Proofs kept for the newest checkpoint, 1 to 2 KB each: a fleet asks from the last few checkpoints, and any device may ask from any size.</summary>
    public const int WitnessProofs = 1_024;

    /// <summary>Devices whose cosignatures are handed on with a checkpoint: what a note holds (C2SP signed-note, 16 KiB).</summary>
    public const int HandedOnWitnesses = 60;

    /// <summary>Messages that come at once from so many on have the signatures of their readings verified on all cores. Chosen: below, waking another thread costs more than it saves.</summary>
    public const int VerifiedTogether = 8;

    /// <summary>How often open commands are held against their deadline.</summary>
    public static readonly TimeSpan DeadlineSweep = TimeSpan.FromMilliseconds(250);

    /// <summary>How often the clock is held against the machine's own monotonic time.</summary>
    public static readonly TimeSpan ClockWatch = TimeSpan.FromSeconds(2);

    /// <summary>A jump of the clock that is worth an entry. Time daemons slew smaller ones.</summary>
    public static readonly TimeSpan ClockJump = TimeSpan.FromSeconds(1);

    /// <summary>Jumps forward that put ages in doubt, and for how long then nothing is removed for its age. Chosen: an hour is summer time done wrong; a day is enough for somebody to look.</summary>
    public static readonly TimeSpan ClockDoubt = TimeSpan.FromHours(1), ClockDoubtFor = TimeSpan.FromDays(1);

    /// <summary>For the broker's answer to a command. Loopback answers in a millisecond; after this the command stays a draft until its deadline.</summary>
    public static readonly TimeSpan PublishTimeout = TimeSpan.FromSeconds(5);

    /// <summary>For anything that must end when the center stops; the whole stop stays within 10 s.</summary>
    public static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(3);

    /// <summary>How long the broker keeps the center's own session: receipts that arrive while its link is down wait there.</summary>
    public static readonly TimeSpan LinkSession = TimeSpan.FromDays(1);

    /// <summary>Life of the certificate that signs commands. Devices pin it, so it lives long, unlike TLS certificates; why no longer: docs/decisions/0004.</summary>
    public static readonly TimeSpan CommandSignerLifetime = TimeSpan.FromDays(4 * 365);

    /// <summary>A certificate is renewed when this share of its life is over: the field's habit (ACME clients, RFC 9773's default).</summary>
    public const double RenewAfter = 2.0 / 3.0;

    /// <summary>How long a revocation waits to see the connections it cut end. Ending takes milliseconds; a client that takes no byte is given this long and is then not heard any more either.</summary>
    public static readonly TimeSpan CutSeen = TimeSpan.FromSeconds(2);

    /// <summary>How long after a revocation the first return with the certificate is still added to its evidence. Chosen: a device that is switched on once a day.</summary>
    public static readonly TimeSpan ReturnsWatched = TimeSpan.FromDays(1);

    /// <summary>How often evidence is signed anew when somebody came back: a thousand returns at once are one signature run.</summary>
    public static readonly TimeSpan EvidenceRound = TimeSpan.FromSeconds(1);

    /// <summary>How often the servers' certificate files are looked at for a replacement.</summary>
    public static readonly TimeSpan ReloadCheck = TimeSpan.FromSeconds(2);

    /// <summary>Days before a certificate's end that are told, once each: a month to plan, a week to do it, a day to run.</summary>
    public static readonly IReadOnlyList<int> EndDays = [30, 7, 1];

    /// <summary>Life of an enrolment token when nobody says.</summary>
    public static readonly TimeSpan EnrolmentLifetime = TimeSpan.FromDays(7);

    /// <summary>How soon a device whose request waits for a person should ask again. Chosen: somebody who stands beside it waits that long.</summary>
    public static readonly TimeSpan EnrolmentRetry = TimeSpan.FromSeconds(15);

    /// <summary>Requests that wait at once; more are refused. Chosen: more than anybody looks through.</summary>
    public const int WaitingRequests = 10_000;

    /// <summary>Makers of devices, and certificates of one.</summary>
    public const int Manufacturers = 64, ManufacturerCertificates = 8;

    /// <summary>Revocations in one list.</summary>
    public const int RevocationsListed = 500;

    /// <summary>Serials an audit entry spells out; the evidence names them all.</summary>
    public const int SerialsInEntry = 16;

    /// <summary>How often it is looked whether a former command-signing key is still believed by any device.</summary>
    public static readonly TimeSpan SignerRound = TimeSpan.FromMinutes(1);

    /// <summary>How often a running center looks for certificates and revocation lists to renew.</summary>
    public static readonly TimeSpan RenewalCheck = TimeSpan.FromHours(1);

    /// <summary>How long a password that was found right is remembered (as a keyed hash): long enough that a cron client which comes every minute costs one bcrypt in ten visits.</summary>
    public static readonly TimeSpan VerifiedPassword = TimeSpan.FromMinutes(10);

    /// <summary>Log-ins whose password waits for a core. Chosen: 200 at cost 10 are some 5 s of two cores, and go-auth gives up after 5.</summary>
    public const int HashesWaiting = 200;

    /// <summary>How long a log-in waits for a core before it is told that the center is busy; with the hash itself it stays under go-auth's 5 s.</summary>
    public static readonly TimeSpan HashPatience = TimeSpan.FromSeconds(3.5);

    /// <summary>Log-ins of one client within one step, for accounts that allow reconnects.</summary>
    public const int LoginsPerStep = 3;

    /// <summary>Failures in a row before each further attempt waits. Chosen; NIST SP 800-63B allows 100.</summary>
    public const int GuessesFree = 10;

    /// <summary>Guessers told apart at once: about 2 MB.</summary>
    public const int GuessersRemembered = 10_000;

    /// <summary>Characters of a TOTP account's name: VARCHAR(64) of the users table that is imported.</summary>
    public const int AccountNameCharacters = 64;

    /// <summary>Rows of one import.</summary>
    public const int ImportedAccounts = 10_000;

    /// <summary>Backup codes made at once, and random bits of each (NIST SP 800-63B asks 20; 80 cannot be guessed off line either).</summary>
    public const int BackupCodes = 10, BackupCodeBits = 80;

    /// <summary>Passkeys of one person. Chosen: every device somebody owns.</summary>
    public const int PasskeysPerPerson = 20;

    /// <summary>Life of an invitation and of a link to a new password. Chosen: over a long weekend; a day for what replaces a password.</summary>
    public static readonly TimeSpan InvitationLifetime = TimeSpan.FromDays(7), ResetLifetime = TimeSpan.FromHours(24);

    /// <summary>Commands that one question of somebody limited to groups looks at before it hands over with a cursor. A guess: some 20 ms.</summary>
    public const int CommandsLookedAt = 5_000;

    /// <summary>Devices that one change to many reaches. Chosen: a minute's work at the most.</summary>
    public const int BulkDevices = 1_000;

    /// <summary>Reports of such changes that are remembered for repeated requests, of each who asks. Chosen: some 100 KiB each at the most.</summary>
    public const int BulkReports = 100;

    /// <summary>How long an idempotency key of such a change is remembered. Chosen: longer than anybody tries again.</summary>
    public static readonly TimeSpan BulkKeyLifetime = TimeSpan.FromDays(7);

    /// <summary>Devices whose cut-off is held while the database takes nothing, even on a full disk; more where there is room. As many as one change reaches.</summary>
    public const int CutOffSlots = BulkDevices;

    /// <summary>Groups that one person or token can be limited to.</summary>
    public const int ScopeGroups = 32;

    /// <summary>Invitations that are open at once.</summary>
    public const int OpenLinks = 1_000;

    /// <summary>How often the broker's counters go out on <c>$SYS/broker/...</c>. Chosen: Mosquitto's pace.</summary>
    public static readonly TimeSpan BrokerStatus = TimeSpan.FromSeconds(10);

    /// <summary>Different questions of the broker that are remembered for trying a new policy. Chosen: five topics of 10,000 devices; about 10 MB.</summary>
    public const int TrafficQuestions = 50_000;

    /// <summary>Days that a question stays remembered after it was last asked.</summary>
    public const int TrafficDays = 7;

    /// <summary>How often remembered questions are written down.</summary>
    public static readonly TimeSpan TrafficFlush = TimeSpan.FromSeconds(30);

    /// <summary>Lines of a difference between two policies that are shown; the count is always whole.</summary>
    public const int PolicyChangesShown = 200;

    /// <summary>Another broker that has not taken a change after this time is out of step: an alarm. Mosquitto's plugin looks ten times a second.</summary>
    public static readonly TimeSpan OtherBrokerInStep = TimeSpan.FromSeconds(5);

    /// <summary>How often that is looked at.</summary>
    public static readonly TimeSpan OtherBrokerLook = TimeSpan.FromMilliseconds(20);

    /// <summary>Rounds in which another broker is told what it may have missed: a certificate for a person, a new list, a change that failed.</summary>
    public static readonly TimeSpan OtherBrokerRound = TimeSpan.FromSeconds(1);

    /// <summary>Mosquitto as a child listens after this time, or the start fails. Chosen: it takes milliseconds, and reads what it kept.</summary>
    public static readonly TimeSpan OtherBrokerStart = TimeSpan.FromSeconds(10);

    /// <summary>Then it is ended by force; a stop as a whole takes less than 10 s.</summary>
    public static readonly TimeSpan OtherBrokerStop = TimeSpan.FromSeconds(4);

    /// <summary>An answer of RabbitMQ's management API; later is none, and the next round asks again.</summary>
    public static readonly TimeSpan ManagementAnswer = TimeSpan.FromSeconds(3);

    /// <summary>Failures in a row after which a part that others stand behind (RabbitMQ's management API, the database behind log-ins) is asked only now and then.</summary>
    public const int BackendFailures = 3;

    /// <summary>How often it is tried then. Chosen: an outage is over for everybody a few seconds after it is over.</summary>
    public static readonly TimeSpan BackendPause = TimeSpan.FromSeconds(5);

    /// <summary>For writing down that a one-time code was used: go-auth waits 5 s, and a password may have to be hashed before.</summary>
    public static readonly TimeSpan CodeWritten = TimeSpan.FromSeconds(1.5);

    /// <summary>Pause before one that ended by itself is started again.</summary>
    public static readonly TimeSpan OtherBrokerRestart = TimeSpan.FromSeconds(1);
}
