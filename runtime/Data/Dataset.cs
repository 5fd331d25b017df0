using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>An opened dataset.</summary>
/// <param name="Validation">Evaluated after every epoch; selects the best epoch.</param>
/// <param name="Test">With a hold-out split: the official validation set, evaluated once, after training.</param>
public sealed record Dataset(DatasetDescriptor Descriptor, IImageSet Training, IImageSet Validation, IImageSet? Test = null) : IDisposable
{
    /// <summary>The set that training and validation are parts of, if there is a hold-out split.</summary>
    private IImageSet? Whole { get; init; }

    /// <summary>The set whose errors go into tables.</summary>
    public IImageSet Final => Test ?? Validation;

    /// <summary>
    /// This dataset with a hold-out split of its training set in place of its validation set: the same share of each class, rounded, the
    /// images drawn with the spec's seed. The remaining images keep their order.
    /// </summary>
    /// <exception cref="MissingException">One of the two parts would be empty.</exception>
    public Dataset HoldOut(HoldOutSpec spec)
    {
        ILookup<int, int> byClass = Enumerable.Range(0, Training.Count).ToLookup(Training.Label);
        HashSet<int> held =
        [
            .. byClass.SelectMany(images => Draw([.. images], spec.Share, new Randomness(spec.Seed, Purpose.HoldOut, index: images.Key))),
        ];
        int[] rest = [.. Enumerable.Range(0, Training.Count).Where(image => !held.Contains(image))];
        if (held.Count == 0 || rest.Length == 0)
        {
            throw new MissingException(
                $"`validation` holds out {held.Count} of the {Training.Count} training images of {Descriptor.Name}, but both parts need images. Choose another share."
            );
        }

        return new(Descriptor, Training.Part(rest, isTraining: true), Training.Part([.. held.Order()], isTraining: false), Validation)
        {
            Whole = Training,
        };
    }

    /// <summary>Remarks for the user after reading, such as unreadable files.</summary>
    public IEnumerable<string> Remarks() =>
        new[] { Training, Validation, Test, Whole }.OfType<IImageSet>().SelectMany(set => set.Remarks()).Distinct();

    /// <summary>
    /// XXH3 over the labels of all parts and over the pixels, or the names and sizes of image files and the contents of some. It changes when images or
    /// classes are added, removed, reordered or replaced, but not when an image folder is packed as files. A few files replaced by others of equal size
    /// may go unnoticed.
    /// </summary>
    public string Fingerprint()
    {
        var hash = new XxHash3();
        hash.Append(Encoding.UTF8.GetBytes(LabelFingerprint()));
        foreach (IImageSet part in new[] { Training, Validation, Test }.OfType<IImageSet>())
            hash.Append(Encoding.UTF8.GetBytes(part.Contents ?? ""));
        return hash.GetCurrentHashAsUInt64().ToString("x16");
    }

    /// <summary>XXH3 over number and order of the labels of all parts: the fingerprint that earlier versions recorded.</summary>
    public string LabelFingerprint()
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

    /// <summary>Draws a share of some images: the first ones of a random permutation (Fisher and Yates).</summary>
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
