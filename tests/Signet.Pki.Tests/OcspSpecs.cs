using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Pki.Tests;

/// <summary>The responder, asked and checked by the real openssl.</summary>
public sealed class OcspSpecs : IDisposable
{
    private readonly PkiHouse _house = new();
    private readonly OcspResponder _responder;
    private byte[] _last = [];

    public OcspSpecs() => _responder = new(_house.Authority, _house.Clock);

    [Fact]
    public void A_good_certificate_is_good_and_the_nonce_comes_back()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        var (text, response) = Ask(issued.ChainPem);
        text.ShouldContain("Response verify OK");
        text.ShouldContain("leaf.crt: good");
        text.ShouldNotContain("no nonce");
        response.NextUpdate.ShouldBeNull("an answer with a nonce is for one asker");
    }

    [Fact]
    public void Without_a_nonce_the_answer_may_be_cached_for_ten_minutes()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        var (text, response) = Ask(issued.ChainPem, "-no_nonce");
        text.ShouldContain("leaf.crt: good");
        (response.NextUpdate!.Value - _house.Clock.Now).TotalMinutes.ShouldBe(10, 0.1);
    }

    [Theory]
    [InlineData(RevocationReason.KeyCompromise, "keyCompromise")]
    [InlineData(RevocationReason.CertificateHold, "certificateHold")]
    public void A_revoked_certificate_is_revoked_in_the_very_next_answer(RevocationReason reason, string shown)
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        Ask(issued.ChainPem).Text.ShouldContain("leaf.crt: good");
        _house.Authority.Revoke(issued.Serial, reason);
        var text = Ask(issued.ChainPem).Text;
        text.ShouldContain("leaf.crt: revoked");
        text.ShouldContain($"Reason: {shown}");
        text.ShouldContain("Response verify OK");
    }

    [Fact]
    public void A_serial_that_was_never_issued_is_unknown_which_is_not_good()
    {
        AskAbout("-issuer", Intermediate, "-serial", "0x4711").Text.ShouldContain("0x4711: unknown");
    }

    [Theory]
    [InlineData("-sha1")]
    [InlineData("-sha256")]
    [InlineData("-sha384")]
    public void Askers_name_the_issuer_with_the_hash_they_like(string hash)
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        Ask(issued.ChainPem, hash).Text.ShouldContain("leaf.crt: good");
    }

    [Fact]
    public void The_intermediate_is_answered_for_by_the_root_itself()
    {
        var text = AskAbout("-issuer", Root, "-cert", Intermediate).Text;
        text.ShouldContain("Response verify OK");
        text.ShouldContain("intermediate.crt: good");
    }

    [Fact]
    public void Another_authoritys_certificate_is_nothing_this_responder_speaks_about()
    {
        using var foreign = new PkiHouse();
        _house.Openssl("ocsp", "-issuer", Path.Combine(foreign.Pki, "intermediate.crt"), "-serial", "0x4711", "-reqout", "q.der");
        _responder.Respond(File.ReadAllBytes(_house.In("q.der"))).Status.ShouldBe(OcspStatus.Unauthorized);
    }

    [Fact]
    public void Many_questions_are_answered_at_once_and_one_stranger_among_them_is_unknown()
    {
        using var a = _house.Issue(CertificateProfile.Device, "door-1");
        using var b = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Authority.Revoke(b.Serial, RevocationReason.Superseded);
        var text = AskAbout("-issuer", Intermediate, "-cert", _house.File("a.crt", a.ChainPem), "-cert", _house.File("b.crt", b.ChainPem), "-serial", "0x4711").Text;
        text.ShouldContain("a.crt: good");
        text.ShouldContain("b.crt: revoked");
        text.ShouldContain("0x4711: unknown");
    }

    [Fact]
    public void The_responders_own_certificate_is_delegated_shortly_and_renewed()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        Ask(issued.ChainPem);
        Ask(issued.ChainPem);
        _house.Authority.FindByName("ocsp_signer").Count.ShouldBe(1);
        _house.Clock.Now += TimeSpan.FromDays(5);
        _responder.Respond(_last);
        var all = _house.Authority.FindByName("ocsp_signer");
        all.Count.ShouldBe(2);
        (all[0].NotAfter - all[0].IssuedAt).TotalDays.ShouldBe(7, 0.1);
    }

    [Fact]
    public void Garbage_is_answered_as_malformed_and_never_throws()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        Ask(issued.ChainPem);
        var good = _last;
        for (var i = 0; i < good.Length; i++) _responder.Respond(good.AsMemory(0, i)).Status.ShouldBe(OcspStatus.MalformedRequest);
        for (var bit = 0; bit < good.Length * 8; bit++)
        {
            var broken = (byte[])good.Clone();
            broken[bit / 8] ^= (byte)(1 << bit % 8);
            Should.NotThrow(() => _responder.Respond(broken));
        }

        _responder.Respond(RandomNumberGenerator.GetBytes(100)).Der.ShouldBe([0x30, 0x03, 0x0a, 0x01, 0x01]);
        _responder.Respond(new byte[100_000]).Status.ShouldBe(OcspStatus.MalformedRequest);
    }

    [Fact]
    public void A_request_in_a_GET_path_is_decoded()
    {
        byte[] der = [0x30, 0x03, 0xfb, 0xff, 0xfe];
        OcspResponder.TryDecodeGet(Uri.EscapeDataString(Convert.ToBase64String(der))).ShouldBe(der);
        OcspResponder.TryDecodeGet("%%%").ShouldBeNull();
    }

    public void Dispose()
    {
        _responder.Dispose();
        _house.Dispose();
    }

    private string Root => Path.Combine(_house.Pki, "root.crt");

    private string Intermediate => Path.Combine(_house.Pki, "intermediate.crt");

    private (string Text, OcspResponse Response) Ask(string pem, params string[] how)
    {
        _house.File("leaf.crt", pem);
        return AskAbout(["-issuer", Intermediate, .. how, "-cert", "leaf.crt"]);
    }

    // Over real HTTP, since openssl checks a nonce only against the request it sends itself.
    private (string Text, OcspResponse Response) AskAbout(params string[] question)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answer = Task.Run(() => AnswerOne(listener));
        var text = _house.Openssl(["ocsp", "-url", $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/ocsp", .. question, "-CAfile", Root, "-verify_other", Intermediate]);
        return (text, answer.Result);
    }

    private async Task<OcspResponse> AnswerOne(TcpListener listener)
    {
        using var client = await listener.AcceptTcpClientAsync();
        await using var stream = client.GetStream();
        var received = new List<byte>();
        var buffer = new byte[16_384];
        while (true)
        {
            received.AddRange(buffer.AsSpan(0, await stream.ReadAsync(buffer)));
            var head = Encoding.Latin1.GetString([.. received]);
            var end = head.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
            if (end < 4) continue;
            var length = int.Parse(head.Split("Content-Length: ")[1].Split('\r')[0], CultureInfo.InvariantCulture);
            if (received.Count < end + length) continue;
            _last = [.. received[end..]];
            var response = _responder.Respond(_last);
            response.Status.ShouldBe(OcspStatus.Successful);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: {response.Der.Length}\r\n\r\n"));
            await stream.WriteAsync(response.Der);
            return response;
        }
    }
}
