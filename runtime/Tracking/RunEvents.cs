using ChannelDistillation.Core;
using ChannelDistillation.Runs;
using Google.Protobuf;
using Tensorboard;

namespace ChannelDistillation.Tracking;

/// <summary>
/// The TensorBoard event file of a run, always a single file. metrics.jsonl is authoritative: when a run resumes, the file is
/// updated to contain each of its finished epochs once, and later epochs are appended as they end.
/// </summary>
internal sealed class RunEvents(string folder)
{
    public const string Prefix = "events.out.tfevents.";

    private string? file;

    /// <summary>Whether the file has no training images yet.</summary>
    public bool WantsImages { get; private set; }

    /// <summary>Synchronises the file with the finished epochs. Existing entries are kept, with their times.</summary>
    public void Open(IReadOnlyList<EpochRecord> finished)
    {
        string[] files = [.. Directory.GetFiles(folder, Prefix + "*").Order(StringComparer.Ordinal)];
        var held = files.Select(EventRecords.Read).ToArray();
        Event[] events = [.. held.SelectMany(part => part.Data).Select(TrainingEvents.Parse).OfType<Event>()];
        Event? images = events.FirstOrDefault(IsImages);
        var epochs = events.Where(IsEpoch).GroupBy(entry => entry.Step).ToDictionary(same => same.Key, same => same.First());
        Event[] wanted =
        [
            events.FirstOrDefault(entry => entry.WhatCase == Event.WhatOneofCase.FileVersion) ?? TrainingEvents.Version(),
            .. images is null ? Array.Empty<Event>() : [images],
            .. finished.Select(record => epochs.GetValueOrDefault(record.Epoch) ?? TrainingEvents.Of(record)),
        ];
        file = files.FirstOrDefault() ?? Path.Combine(folder, TrainingEvents.FileName());
        WantsImages = images is null;
        bool isInStep = held.Length == 1 && held[0].IsIntact && held[0].Data.Count == events.Length && events.SequenceEqual(wanted);
        if (isInStep)
            return;
        AtomicFile.Write(file, stream => stream.Write(Array.ConvertAll(wanted, Record).SelectMany(record => record).ToArray()));
        foreach (string other in files.Skip(1))
            File.Delete(other);
    }

    public void Add(EpochRecord record) => Append(TrainingEvents.Of(record));

    public void Add(SampleImages images)
    {
        Append(TrainingEvents.Of(images));
        WantsImages = false;
    }

    // Not flushed to disk: what a power failure loses is regenerated from metrics.jsonl.
    private void Append(Event next)
    {
        using var stream = new FileStream(file!, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        stream.Write(Record(next));
    }

    private static byte[] Record(Event entry) => EventRecords.Framed(entry.ToByteArray());

    private static bool IsEpoch(Event entry) => entry.Step > 0 && entry.Summary is not null;

    private static bool IsImages(Event entry) => entry.Step == 0 && entry.Summary is not null;
}
