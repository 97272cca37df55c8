using System.Reflection;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>A device that is removed while the disk takes nothing.</summary>
public sealed class RemovalSpecs
{
    [Fact]
    public async Task A_removed_device_is_cut_off_though_its_old_note_cannot_be_freed_and_the_removal_can_be_asked_for_again()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        var notes = NotesOf(house);
        notes.TryAdd("door-1", out var whyNot).ShouldBeTrue(whyNot);
        using (new FullDisk(notes))
        {
            var refused = (await house.Center.Fleet.RemoveAsync("door-1", TestHouse.Admin)).Refusal!;
            (refused.Name, refused.Message.Contains("is cut off", StringComparison.Ordinal)).ShouldBe(("store-unavailable", true), refused.Message);
            house.Center.Fleet.Find("door-1")!.Enabled.ShouldBeFalse("whatever the disk says");
            house.Center.Broker.Sessions().ShouldNotContain(session => session.Identity == "door-1");
        }

        (await house.Center.Fleet.RemoveAsync("door-1", TestHouse.Admin)).Refusal.ShouldBeNull();
        house.Center.Fleet.Find("door-1").ShouldBeNull();
        house.Center.Fleet.IsUnwritten.ShouldBeFalse("nothing is left to be written of one that is gone");
        (await house.Center.Fleet.AddAsync(new("door-1", "door"), TestHouse.Admin)).Refusal.ShouldBeNull();
        await house.StopCenterAsync();
        await house.StartCenterAsync();
        house.Center.Fleet.Find("door-1")!.Enabled.ShouldBeTrue("the note was of another");
    }

    [Fact]
    public async Task A_removed_device_is_cut_off_and_stays_so_though_the_database_takes_nothing()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        using (AuditRival.OfFleet(house))
        {
            var refused = (await house.Center.Fleet.RemoveAsync("door-1", TestHouse.Admin)).Refusal!;
            (refused.Name, refused.Message.Contains("is cut off", StringComparison.Ordinal)).ShouldBe(("store-unavailable", true), refused.Message);
            house.Center.Fleet.Find("door-1")!.Enabled.ShouldBeFalse();
            house.Center.Broker.Sessions().ShouldNotContain(session => session.Identity == "door-1");
        }

        await Eventually.True(() => !house.Center.Fleet.IsUnwritten, "the database is told");
        (await house.Center.Fleet.RemoveAsync("door-1", TestHouse.Admin)).Refusal.ShouldBeNull();
        await house.StopCenterAsync();
        await house.StartCenterAsync();
        house.Center.Fleet.Find("door-1").ShouldBeNull();
    }

    private static CutOffList NotesOf(TestHouse house) => (CutOffList)FieldOf<Fleet>("_cutOff").GetValue(house.Center.Fleet)!;

    private static FieldInfo FieldOf<T>(string name) => typeof(T).GetField(name, BindingFlags.Instance | BindingFlags.NonPublic)!;

    /// <summary>While it lives, the list's file is on a device that takes no byte.</summary>
    private sealed class FullDisk : IDisposable
    {
        private readonly CutOffList _list;
        private readonly FileStream _full = new("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        private readonly object? _before;

        public FullDisk(CutOffList list)
        {
            _list = list;
            _before = FieldOf<CutOffList>("_file").GetValue(list);
            FieldOf<CutOffList>("_file").SetValue(list, _full);
        }

        public void Dispose()
        {
            FieldOf<CutOffList>("_file").SetValue(_list, _before);
            _full.Dispose();
        }
    }
}
