namespace Signet.Access;

/// <summary>What a person or token can do in the command center. Numbers are stored: append only. Who may: <see cref="RoleTable"/>.</summary>
public enum Act
{
    ViewFleet = 1,
    ViewTelemetry = 2,
    ViewCommands = 3,
    ViewAudit = 4,
    ViewCertificates = 5,
    ViewPolicy = 6,
    ViewBroker = 7,
    ManageOwnAccount = 8,
    ViewSettings = 9,

    SendCommand = 20,
    CancelCommand = 21,
    ApproveCommand = 22,
    ExportReceipt = 23,
    VerifyAudit = 24,
    KickSession = 25,
    QuarantineDevice = 26,
    AcknowledgeAlert = 27,

    ManageDevices = 40,
    IssueCertificate = 41,
    RevokeCertificate = 42,
    ManageAuthorities = 43,
    ManageUsers = 44,
    ManageTokens = 45,
    ApplyPolicy = 46,
    ExportAudit = 47,
    ChangeSettings = 48,
    RunLab = 49,
    BackUp = 50,

    ErasePersonalData = 60,
    RetireAudit = 61,
}
