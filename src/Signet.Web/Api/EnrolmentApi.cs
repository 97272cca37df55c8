using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Enrolment;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>Somebody who may fetch one certificate.</summary>
/// <param name="Hours">Life of the token; 168 unless stated, 2,160 at most.</param>
/// <param name="Approval">A person looks at the request first.</param>
public sealed record NewEnrolmentJson(
    string Name, string Kind = "device", IReadOnlyList<string>? Commands = null, string Title = "", CertificateProfile Profile = CertificateProfile.Device, IReadOnlyList<string>? Hosts = null,
    double? Hours = null, bool Approval = false);

/// <param name="Token">Shown this once.</param>
/// <param name="Claim">One line (or QR code) with everything a device needs: where, who, the token, and the fingerprint of the root it must find there.</param>
public sealed record EnrolmentJson(string Id, string Name, string Token, string Claim, DateTimeOffset Expires, bool Approval)
{
    public override string ToString() => $"invitation {Id} for {Name}"; // never the token
}

public sealed record EnrolmentListJson(IReadOnlyList<EnrolmentTokenView> Invitations);

public sealed record WaitingListJson(IReadOnlyList<WaitingRequest> Requests);

public sealed record ManufacturerListJson(IReadOnlyList<ManufacturerView> Manufacturers);

/// <summary>What a device with a good certificate learns about itself: enough to make its directory (docs/spec/device-home.md).</summary>
/// <param name="Roots">PEM of every root to rely on.</param>
/// <param name="Signer">PEM of the command-signing certificate and the intermediate above it.</param>
public sealed record DeviceHomeJson(string Name, string Kind, string Broker, string Center, IReadOnlyList<string> Commands, string Roots, string Signer, string? Mqtt, bool BrokerIsElsewhere);

internal static class EnrolmentApi
{
    /// <summary>Answered to the device itself.</summary>
    public const string Home = "/enrolments/home";

    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/enrolments", InviteAsync).Requires(Act.ManageDevices).Confirmed().Produces<EnrolmentJson>(201).ProducesProblem(422).WithSummary("A one-time token with which one certificate of this name can be fetched over EST.");
        api.MapGet("/enrolments", (CommandCenter center) => Results.Ok(new EnrolmentListJson(center.Enrolments.Tokens()))).Requires(Act.ManageDevices).Produces<EnrolmentListJson>().WithSummary("Invitations without their secrets.");
        api.MapDelete("/enrolments/{id}", async (string id, CommandCenter center, HttpContext context) => Problems.Answer(await center.Enrolments.CancelAsync(id, context.Actor(), context.RequestAborted), Results.Ok))
            .Requires(Act.ManageDevices).Produces<EnrolmentTokenView>().ProducesProblem(404).WithSummary("Takes an invitation back.");
        api.MapGet("/enrolments/waiting", (CommandCenter center) => Results.Ok(new WaitingListJson(center.Enrolments.Waiting()))).Requires(Act.ManageDevices).Produces<WaitingListJson>().WithSummary("Requests that wait for a person.");
        api.MapPost("/enrolments/waiting/{id}/{decision}", DecideAsync).Requires(Act.ManageDevices).Confirmed().Produces<WaitingRequest>().ProducesProblem(404).WithSummary("`approve` or `refuse` a request that waits.");
        api.MapGet(Home, HomeAsync).WithMetadata(new PublicAttribute()).Produces<DeviceHomeJson>().ProducesProblem(403).WithSummary("For a device that comes with its certificate: its settings, the roots, the command signer.");
        api.MapGet("/manufacturers", (CommandCenter center) => Results.Ok(new ManufacturerListJson(center.Enrolments.Manufacturers()))).Requires(Act.ViewCertificates).WithinGroups().Produces<ManufacturerListJson>().WithSummary("Makers whose certificates admit a device once.");
        api.MapPost("/manufacturers", async (NewManufacturer wanted, CommandCenter center, HttpContext context) => Problems.Answer(await center.Enrolments.AddManufacturerAsync(wanted, context.Actor(), context.RequestAborted), Results.Ok))
            .Requires(Act.ManageAuthorities).Confirmed().Produces<ManufacturerView>().ProducesProblem(422).WithSummary("Adds a maker: its root and intermediates, PEM.");
        api.MapDelete("/manufacturers/{name}", async (string name, CommandCenter center, HttpContext context) => Problems.Answer(await center.Enrolments.RemoveManufacturerAsync(name, context.Actor(), context.RequestAborted), Results.Ok))
            .Requires(Act.ManageAuthorities).Confirmed().Produces<ManufacturerView>().ProducesProblem(404).WithSummary("Its certificates admit nobody from now on.");
    }

    private static async Task<IResult> InviteAsync(NewEnrolmentJson wanted, CommandCenter center, HttpContext context)
    {
        if (wanted.Hours is <= 0 or > 2160 or double.NaN) return Problems.BadInput("`hours` takes more than 0, up to 2160.");
        var invited = new NewEnrolment(wanted.Name, wanted.Kind, wanted.Commands, wanted.Title, wanted.Profile, wanted.Hosts, wanted.Hours is { } hours ? TimeSpan.FromHours(hours) : null, wanted.Approval);
        return Problems.Answer(await center.Enrolments.InviteAsync(invited, context.Actor(), context.RequestAborted), made => Results.Created((string?)null,
            new EnrolmentJson(made.Id, made.Name, made.Token, ClaimOf(center, context, made), made.Expires, made.NeedsApproval)));
    }

    private static async Task<IResult> DecideAsync(string id, string decision, CommandCenter center, HttpContext context) => decision is "approve" or "refuse"
        ? Problems.Answer(await center.Enrolments.DecideAsync(id, decision == "approve", context.Actor(), context.RequestAborted), Results.Ok)
        : Problems.NotFound("such decision; it is approve or refuse");

    private static IResult HomeAsync(CommandCenter center, CertificateDoor door, HttpContext context)
    {
        if (context.Connection.ClientCertificate is not { } certificate || door.GradeOf(certificate) != CertificateGrade.Good)
            return Problems.Of(StatusCodes.Status403Forbidden, "certificate-missing", "A device asks this with its own certificate.");
        return Problems.Answer(center.Fleet.HomeOf(certificate), home => Results.Ok(new DeviceHomeJson(home.Name, home.Kind, home.Broker, home.Center, home.Commands, home.Roots, home.Signer, home.Mqtt, home.BrokerIsElsewhere)));
    }

    internal static string ClaimOf(CommandCenter center, HttpContext context, EnrolmentInvitation made)
        => $"signet://{context.Request.Host.Value}/{made.Name}?token={made.Token}&root={Convert.ToHexStringLower(center.Authority.Root.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256))}";
}
