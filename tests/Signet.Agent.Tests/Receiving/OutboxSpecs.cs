namespace Signet.Agent.Tests;

/// <summary>What is kept of the receipts that a broker has acknowledged.</summary>
public sealed class OutboxSpecs
{
    [Fact]
    public async Task So_many_are_kept_the_newest_and_wait_again_in_their_order_in_front_of_what_came_meanwhile()
    {
        var outbox = new Outbox();
        var given = new List<string>();
        for (var number = 1; number <= AgentLimits.Unconfirmed + 2; number++)
        {
            outbox.Post(Receipt($"{number}"));
            var (place, receipt) = await outbox.NextAsync(0, CancellationToken.None);
            receipt.Id.ShouldBe($"{number}", "what the broker has is not sent again on this connection");
            if (outbox.Taken(place, new(1, number)) is { } old) given.Add(old.Id);
        }

        given.ShouldBe(["1", "2"]);
        outbox.Count.ShouldBe(0);
        outbox.Post(Receipt("new"));
        outbox.Again();
        (await AllAsync(outbox)).ShouldBe([.. Enumerable.Range(3, AgentLimits.Unconfirmed).Select(number => $"{number}"), "new"]);
    }

    [Fact]
    public async Task A_word_of_the_center_is_about_what_was_sent_before_it_in_that_count()
    {
        var outbox = new Outbox();
        foreach (var mark in new ReceiptMark?[] { new(7, 1), null, new(8, 1), new(8, 2) })
        {
            outbox.Post(Receipt(mark is { } m ? $"{m.Since}/{m.Number}" : "none"));
            outbox.Taken((await outbox.NextAsync(0, CancellationToken.None)).Place, mark);
        }

        outbox.Confirmed(default).ShouldBeEmpty();
        outbox.Confirmed(new(9, 5)).ShouldBeEmpty();
        outbox.Confirmed(new(8, 1)).Select(there => there.Id).ShouldBe(["8/1"]);
        outbox.Confirmed(new(8, 1)).ShouldBeEmpty();
        outbox.Again();
        (await AllAsync(outbox)).ShouldBe(["7/1", "none", "8/2"]);
    }

    private static SignedReceipt Receipt(string id) => new(id, "", new byte[1], isJournaled: true);

    private static async Task<List<string>> AllAsync(Outbox outbox)
    {
        var (all, place) = (new List<string>(), 0L);
        while (outbox.Count > all.Count)
        {
            (place, var receipt) = await outbox.NextAsync(place, CancellationToken.None);
            all.Add(receipt.Id);
        }

        return all;
    }
}
