using System.IO.Hashing;
using System.Runtime.InteropServices;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>An opened dataset.</summary>
/// <param name="Validation">What every epoch is validated on, and the best epoch chosen by.</param>
/// <param name="Test">Where a part of the training set is held out for validation: the official validation set, looked at once, at the end.</param>
public sealed record Dataset(DatasetDescriptor Descriptor, IImageSet Training, IImageSet Validation, IImageSet? Test = null) : IDisposable
{
    /// <summary>What training and validation are parts of, where a part is held out.</summary>
    private IImageSet? Whole { get; init; }

    /// <summary>The set whose errors go into tables.</summary>
    public IImageSet Final => Test ?? Validation;

    /// <summary>
    /// This dataset with a part of its training set in the place of its validation set: of each class the same share, rounded, the
    /// images drawn by the spec's seed. What is left keeps its order.
    /// </summary>
    /// <exception cref="MissingException">Too few images to hold any out, or to leave any.</exception>
    public Dataset HoldOut(HeldOutSpec spec)
    {
        ILookup<int, int> byClass = Enumerable.Range(0, Training.Count).ToLookup(Training.Label);
        HashSet<int> held =
        [
            .. byClass.SelectMany(images => Draw([.. images], spec.Share, new Randomness(spec.Seed, Purpose.HeldOut, index: images.Key))),
        ];
        int[] rest = [.. Enumerable.Range(0, Training.Count).Where(image => !held.Contains(image))];
        if (held.Count == 0 || rest.Length == 0)
        {
            throw new MissingException(
                $"`validation` holds {held.Count} of the {Training.Count} training images of {Descriptor.Name} out: both parts need some. Choose another share."
            );
        }

        return new(Descriptor, Training.Part(rest, isTraining: true), Training.Part([.. held.Order()], isTraining: false), Validation)
        {
            Whole = Training,
        };
    }

    /// <summary>What a person should know after reading, such as files that turned out to be broken.</summary>
    public IEnumerable<string> Remarks() =>
        new[] { Training, Validation, Test, Whole }.OfType<IImageSet>().SelectMany(set => set.Remarks()).Distinct();

    /// <summary>
    /// XXH3 over number and order of the labels of all parts: other for a set that images were added to, taken from, or sorted anew in.
    /// It does not see pixels.
    /// </summary>
    public string Fingerprint()
    {
        var hash = new XxHash3();
        foreach (IImageSet part in new[] { Training, Validation, Test }.OfType<IImageSet>())
        {
            hash.Append(MemoryMarshal.AsBytes<int>([part.Count]));
            hash.Append(MemoryMarshal.AsBytes<int>(part.Labels()));
        }
        return hash.GetCurrentHashAsUInt64().ToString("x16");
    }

    public void Dispose()
    {
        Training.Dispose();
        Validation.Dispose();
        Test?.Dispose();
        Whole?.Dispose();
    }

    /// <summary>A share of some images: the first ones of a random order of all (Fisher and Yates).</summary>
    private static int[] Draw(int[] images, double share, Randomness random)
    {
        int count = (int)Math.Round(images.Length * share);
        for (int i = 0; i < count; i++)
        {
            int other = i + random.Next(images.Length - i);
            (images[i], images[other]) = (images[other], images[i]);
        }

        return images[..count];
    }
}
