using CsCheck;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Storybook.Tests.World;

public sealed class SceneTests
{
    [Fact]
    public void SamplesOnlyCombinationsThatMakeSense() => Gen.Int.Sample(
        seed =>
        {
            var scene = Scene.Sample(new Random(seed));
            Assert.True(Scene.Allows(scene.Subject, scene.Trait));
            Assert.NotEqual(scene.Subject, scene.Companion);
            Assert.False(scene.Weather == Weather.Rainbow && scene.Time == TimeOfDay.Night);
        },
        iter: 2000);

    [Fact]
    public void AnimalsComeTwiceAsOften()
    {
        var rng = new Random(1);
        var counts = Enumerable.Range(0, 9000).Select(_ => Scene.Sample(rng).Subject).CountBy(subject => subject).ToDictionary();
        Assert.Equal(Scene.Subjects.Count, counts.Count);
        var animals = counts.Where(entry => Scene.IsAnimal(entry.Key)).Average(entry => entry.Value);
        var others = counts.Where(entry => !Scene.IsAnimal(entry.Key)).Average(entry => entry.Value);
        Assert.InRange(animals / others, 1.8, 2.2);
    }

    [Fact]
    public void TheSameSeedGivesTheSameScene() =>
        Assert.Equal(Scene.Sample(new Random(5)), Scene.Sample(new Random(5)));
}
